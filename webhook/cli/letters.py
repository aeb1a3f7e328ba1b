"""Dead letters as commands see them: narrowed down by options, with nothing in them that must not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.cli.common import open_ledger, settings_with_redis, utc
from webhook.cli.given import check_account, check_sink
from worker.ledger.mending import DeadLetter, dead_letters, dead_letters_of
from worker.logs import Mask, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Letters:
    """The dead letters of an account, to a sink, with some words in their reason; or all of them."""

    def __init__(self, account: str | None = None, sink: str | None = None, reason: str | None = None) -> None:
        settings = settings_with_redis()
        self.ledger = open_ledger(settings)
        check_account(self.ledger, account)
        check_sink(self.ledger, sink, account)
        self._mask = Mask(secrets_of(settings))
        self._account, self._sink, self._words = account, sink, (reason or "").casefold()

    def all(self, *, until_ms: float = float("inf")) -> Iterator[DeadLetter]:
        """Yield them, the oldest first; `until_ms` leaves out what was given up on later."""
        found = dead_letters(self.ledger, account_sid=self._account, sink=self._sink)
        return (letter for letter in found if letter.at_ms <= until_ms and self._is_wanted(letter))

    def of(self, call_sid: str) -> list[DeadLetter] | None:
        """Return those of a call; None if no account knows the call."""
        found = dead_letters_of(self.ledger, call_sid)
        return None if found is None else [letter for letter in found if self._is_wanted(letter)]

    def _is_wanted(self, letter: DeadLetter) -> bool:
        return (
            self._account in {None, letter.account_sid}
            and self._sink in {None, letter.sink}
            and (not self._words or self._words in self.reason(letter).casefold())
        )

    def reason(self, letter: DeadLetter) -> str:
        """Return why it was given up on, fit for any screen."""
        return self.fit(letter.reason)

    def fit(self, text: str) -> str:
        """Return what somebody else wrote, without numbers and secrets, and without what would move a terminal's cursor."""
        return "".join(char if char.isprintable() else " " for char in self._mask.text(text))

    def last_answer(self, letter: DeadLetter) -> dict[str, Any] | None:
        """Return what the sink said last, without numbers and secrets; a terminal needs its `body` made fit, too."""
        said = letter.last_answer
        return None if said is None else {**said, "body": self._mask.text(said["body"])}

    def as_document(self, letter: DeadLetter) -> dict[str, Any]:
        """Return it for programs."""
        attempts = [{**self._mask(None, "", attempt), "at": utc(attempt["at"])} for attempt in letter.attempts]
        said = self.last_answer(letter)
        of_delivery = {
            "sink": letter.sink,
            "record": letter.event_key,
            "attempts": attempts,
            "last_answer": None if said is None else {**said, "at": utc(said["at"])},
        }
        return {
            "what": "fetch" if letter.sink is None else "delivery",
            "account_sid": letter.account_sid,
            "call_sid": letter.call_sid,
            "at": utc(letter.at_ms),
            "reason": self.reason(letter),
            **({} if letter.sink is None else of_delivery),
        }

"""Dead letters as people see them: narrowed down, with nothing in them that must not show."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from webhook.operations.times import utc
from worker.ledger.queries.dead_letters import DeadLetter, dead_letters, dead_letters_of
from worker.logs import Mask
from worker.secret_masking import secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger


#: What stands in a sink's place where the fetch of a call was given up on.
FETCH = "fetch"
# Each letter is read to know its reason. More than these are there only when something is wrong for all of them alike.
_REASONS_READ = 5_000


class DeadLetters:
    """The dead letters of an account, to a sink, with some words in their reason; or all of them."""

    def __init__(
        self, ledger: Ledger, account: str | None = None, sink: str | None = None, reason: str | None = None
    ) -> None:
        self.ledger = ledger
        added = ledger.register.specs.values()
        self._mask = Mask(secrets_of(ledger.settings).union(*map(secrets_of_sink, added)))
        self._account, self._sink, self._words = account, sink, (reason or "").casefold()

    def all(self, *, until_ms: float = float("inf")) -> Iterator[DeadLetter]:
        """Yield them, the oldest first; `until_ms` leaves out what was given up on later."""
        found = dead_letters(self.ledger, account_sid=self._account, sink=self._sink)
        return (letter for letter in found if letter.at_ms <= until_ms and self._is_wanted(letter))

    def count(self) -> int:
        """Count those of the account, to the sink, whatever their reasons."""
        pipeline = self.ledger.client.pipeline(transaction=False)
        for sid, book in self.ledger.calls.items():
            if self._sink is None and self._account in {None, sid}:
                pipeline.zcard(book.key("dead"))
        for (sid, name), to_sink in self.ledger.deliveries.items():
            if self._account in {None, sid} and self._sink in {None, name}:
                pipeline.zcard(to_sink.dead_key)
        return sum(pipeline.execute())

    def reasons(self) -> Counter[tuple[str, str]]:
        """Count the oldest, as many as are worth it, by what was given up on (a sink, or FETCH) and why."""
        return Counter((letter.sink or FETCH, self.reason(letter)) for letter in islice(self.all(), _REASONS_READ))

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

    def masked(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document of somebody else's without numbers and secrets."""
        return dict(self._mask(None, "", document))

    def as_document(self, letter: DeadLetter) -> dict[str, Any]:
        """Return it for programs."""
        attempts = [{**self.masked(attempt), "at": utc(attempt["at"])} for attempt in letter.attempts]
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

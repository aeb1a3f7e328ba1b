"""Failed calls and dead letters as people see them: filtered, with numbers and secrets masked."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from webhook.operations.masking import on_one_line
from webhook.operations.times import utc
from worker.ledger.queries.dead_letters import DeadLetter, dead_letters, dead_letters_of
from worker.numbers.masking import Mask
from worker.secret_masking import secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger


#: Stands for a sink's name where it is the fetch of a call that failed.
FETCH = "fetch"
# Each letter has to be read for its reason. There are only more of them when one cause affects all of them.
_REASONS_READ = 5_000


class DeadLetters:
    """The dead letters, filtered by account, by sink and by a text in their reason."""

    def __init__(
        self, ledger: Ledger, account: str | None = None, sink: str | None = None, reason: str | None = None
    ) -> None:
        self.ledger = ledger
        added = ledger.register.specs.values()
        self._mask = Mask(secrets_of(ledger.settings).union(*map(secrets_of_sink, added)))
        self._account, self._sink, self._words = account, sink, (reason or "").casefold()

    def all(self, *, until_ms: float = float("inf")) -> Iterator[DeadLetter]:
        """Yield them, oldest first; those that failed after `until_ms` are left out."""
        found = dead_letters(self.ledger, account_sid=self._account, sink=self._sink)
        return (letter for letter in found if letter.at_ms <= until_ms and self._is_wanted(letter))

    def count(self) -> int:
        """Count those of the account and the sink, whatever their reasons."""
        pipeline = self.ledger.client.pipeline(transaction=False)
        for sid, book in self.ledger.calls.items():
            if self._sink is None and self._account in {None, sid}:
                pipeline.zcard(book.key("dead"))
        for (sid, name), to_sink in self.ledger.deliveries.items():
            if self._account in {None, sid} and self._sink in {None, name}:
                pipeline.zcard(to_sink.dead_key)
        return sum(pipeline.execute())

    def reasons(self) -> Counter[tuple[str, str]]:
        """Count the oldest `_REASONS_READ` by what failed (a sink, or FETCH) and why."""
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
        """Return why it failed, safe to show on any screen."""
        return self.fit(letter.reason)

    def fit(self, text: str) -> str:
        """Return a text from outside without numbers, secrets and control characters."""
        return on_one_line(self._mask.text(text))

    def last_answer(self, letter: DeadLetter) -> dict[str, Any] | None:
        """Return the sink's last answer without numbers and secrets; for a terminal, pass its `body` to `fit` too."""
        said = letter.last_answer
        return None if said is None else {**said, "body": self._mask.text(said["body"])}

    def masked(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document from outside without numbers and secrets."""
        return dict(self._mask(None, "", document))

    def as_document(self, letter: DeadLetter) -> dict[str, Any]:
        """Return a letter as plain data."""
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

"""Dead letters as people see them: narrowed down, with nothing in them that must not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.ledger.mending import DeadLetter, dead_letters, dead_letters_of
from worker.logs import Mask, secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger


class Letters:
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

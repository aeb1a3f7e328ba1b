"""The dead letters that an operator selected: one by one, by their reason, or all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook.operations.dead_letters import FETCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from webhook.operations.dead_letters import DeadLetters
    from worker.ledger.queries.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters an operator selected."""

    #: Selected letters by `key_of`; if there are any, the other fields are ignored.
    keys: tuple[str, ...] = ()
    #: A sink, FETCH, or '' for all.
    what: str = ""
    #: The whole reason as shown; '' for all.
    reason: str = ""

    def letters(self, letters: DeadLetters, *, until_ms: float) -> Iterator[DeadLetter]:
        """Yield the selected letters; those that failed after `until_ms` were not shown, so they are left out."""
        if self.keys:
            wanted = set(self.keys)
            for call_sid in dict.fromkeys(key.split("/")[0] for key in self.keys):
                yield from (letter for letter in letters.of(call_sid) or () if key_of(letter) in wanted)
            return
        for letter in letters.all(until_ms=until_ms):
            if self.what in {"", letter.sink or FETCH} and self.reason in {"", letters.reason(letter)}:
                yield letter


def key_of(letter: DeadLetter) -> str:
    """Return a letter's key in forms and the API: `<CallSid>/<sink>/<record>`."""
    return f"{letter.call_sid}/{letter.sink or FETCH}/{letter.event_key}"

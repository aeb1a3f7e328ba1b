"""An import of calls, as the command line, the API and the console do it: look, tell the price, queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from webhook.operations.masking import Shown
from worker.ledger.operations.importing import admit, cost_of, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.call_list import CallList
    from worker.ledger import Ledger


@dataclass(slots=True)
class Import:
    """A list of calls for an account. `look` before `queue`; both yield how many calls they have got through."""

    ledger: Ledger
    account_sid: str
    calls: CallList
    known: int = 0
    unknown: list[str] = field(default_factory=list)
    queued: int = 0

    def look(self) -> Iterator[int]:
        """Find out which calls are known; those of another account cannot be used."""
        for page in survey(self.ledger, self.account_sid, list(self.calls.lines)):
            self.known += page.known
            self.unknown += page.unknown
            for call_sid, account_sid in page.of_others.items():
                self.calls.refuse(call_sid, self.calls.lines.pop(call_sid), f"a call of the account {account_sid}")
            yield page.known + len(page.unknown) + len(page.of_others)

    def queue(self) -> Iterator[int]:
        """Have the unknown calls fetched, behind live ones. It may be broken off and done again."""
        for admitted in admit(self.ledger, self.account_sid, self.unknown):
            self.queued += admitted
            yield admitted

    @property
    def cost(self) -> tuple[int, float]:
        """Return the least number of requests, and the seconds of quota that they take."""
        return cost_of(self.ledger, self.account_sid, len(self.unknown))

    def as_document(self) -> dict[str, Any]:
        """Return it as plain data (contract section 14); numbers in lines that cannot be used are masked."""
        requests, seconds = self.cost
        shown = Shown(self.ledger.settings, [], numbers=False)
        return {
            "given": len(self.calls.lines),
            "known": self.known,
            "new": len(self.unknown),
            "unusable": [
                {"line": each.line, "text": shown.text(each.text), "reason": each.reason}
                for each in self.calls.unusable
            ],
            "unusable_count": self.calls.unusable_count,
            "cost": {"requests": requests, "seconds": round(seconds, 1)},
            "queued": self.queued,
        }


def the_account(ledger: Ledger, given: str | None) -> str:
    """Return the account that is meant: the only one, if none is given. Raises ValueError with what there is."""
    if given is None and len(ledger.calls) == 1:
        return next(iter(ledger.calls))
    if given in ledger.calls:
        return str(given)
    there = ", ".join(ledger.calls)
    raise ValueError(f"say which account: {there}" if given is None else f"{given!r} is no account; there are {there}")

"""What a new installation still needs, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.queries.totals import totals_of_accounts
from worker.ledger.registry.account_notes import AccountNotes, Noted

if TYPE_CHECKING:
    from worker.ledger import Ledger


class Step(NamedTuple):
    """A step of the set-up: whether it is done, and what to do if it is not."""

    name: str
    is_done: bool
    text: str


class Progress(NamedTuple):
    """How far the set-up is: its steps, and by account what was noted."""

    steps: list[Step]
    noted: dict[str, Noted]

    @property
    def done(self) -> int:
        """Return how many steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def is_over(self) -> bool:
        """Return whether every step is done."""
        return self.done == len(self.steps)


def read_progress(ledger: Ledger) -> Progress:
    """Return how far the set-up is. Raises redis.RedisError."""
    settings = ledger.settings
    noted = {sid: AccountNotes(ledger.client, sid).read() for sid in ledger.calls}
    totals = totals_of_accounts(ledger, ledger.calls)
    silent = [sid for sid, each in noted.items() if each.answered_ms is None]
    refused = [each.sid for each in totals if each.state == "suspended"]
    received = sum(each.received for each in noted.values())
    tests = sum(each.tests for each in noted.values())
    tried = f"{tests:,} test callback{'' if tests == 1 else 's'} came, no call yet" if tests else "none yet"
    came = f"{received:,} call{'' if received == 1 else 's'} in total" if received else tried
    steps = [
        Step("Exotel accepts the credentials", not silent and not refused, _credentials(silent, refused)),
        Step(
            "PUBLIC_URL is set",
            settings.public_url is not None,
            settings.public_url or "the address by which Exotel reaches this server",
        ),
        Step("First callback", received > 0, came),
        _first("First call fetched", sum(each.settled for each in noted.values())),
        _first("First record delivered", sum(each.delivered for each in noted.values())),
        Step(
            "The console has a password",
            settings.console_password is not None,
            "set" if settings.console_password is not None else "set CONSOLE_PASSWORD to open it to others",
        ),
    ]
    return Progress(steps, noted)


def _first(name: str, number: int) -> Step:
    return Step(name, number > 0, f"{number:,} in total" if number else "none yet")


def _credentials(silent: list[str], refused: list[str]) -> str:
    if refused:
        return f"refused: {', '.join(refused)}"
    return f"not tried yet: {', '.join(silent)}" if silent else "accepted"

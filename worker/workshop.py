"""What the steps work with: the ledger, a client per account, the open sinks, and the clock and dice that tests replace."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from worker.arrears import Arrears
from worker.exotel import ExotelClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import Settings
    from worker.ledger import Ledger
    from worker.retry import Dice
    from worker.sinks import Sink


@dataclass(slots=True)
class Workshop:
    """One a process; safe to share between threads."""

    settings: Settings
    ledger: Ledger
    sinks: dict[str, Sink]
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    dice: Dice = random.random
    #: Called when something new is due at once: the dispatcher then need not wait for its next tick.
    nudge: Callable[[], None] = lambda: None
    #: What is to be noted once the ledger is back.
    arrears: Arrears = field(default_factory=Arrears)
    clients: dict[str, ExotelClient] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = {account.sid: ExotelClient(account) for account in self.settings.accounts}

    def sinks_for(self, account_sid: str, event_type: str) -> list[str]:
        """Return the names of the sinks that want this type of record of this account.

        Operator records go only to sinks that ask for them by name; records of calls to every sink that does not say
        otherwise.
        """
        return [
            spec.name
            for spec in self.settings.sinks
            if (not spec.accounts or account_sid in spec.accounts)
            and (event_type in spec.types if spec.types else event_type.startswith("legwork.call."))
        ]

"""What the steps work with: the ledger, a client per account, the open sinks, and the clock and dice that tests replace."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from worker.arrears import Arrears
from worker.exotel import ExotelClient
from worker.logs import learn_secrets
from worker.shape import is_wanted
from worker.sinks import Sink, in_step
from worker.tracing.spans import OFF, Tracing

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import Settings
    from worker.ledger import Ledger
    from worker.retry import Dice

log = structlog.get_logger(__name__)


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
    tracing: Tracing = OFF
    clients: dict[str, ExotelClient] = field(init=False)
    #: The changes of the subscribers that `sinks` is in step with.
    _changes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.clients = {account.sid: ExotelClient(account) for account in self.settings.accounts}

    def keep_sinks_open(self) -> None:
        """Open subscribers that were added at run time, close those that were removed."""
        self.ledger.refresh_sinks()
        register = self.ledger.register
        if register.changes == self._changes:
            return
        learn_secrets(register.specs.values())
        for name, reason in register.unusable.items():
            log.error("sink.unusable", sink=name, reason=reason, hint="what is to be delivered to it waits")
        self.sinks = in_step(self.sinks, self.ledger.sinks)
        self._changes = register.changes

    def forget_old_files(self) -> None:
        """Let sinks delete what is older than they are to keep."""
        for name, sink in self.sinks.items():
            try:
                if files := sink.forget_old():
                    log.info("sink.files_deleted", sink=name, files=files)
            except OSError as error:
                log.warning("sink.files_not_deleted", sink=name, reason=error.strerror)

    def sinks_for(self, account_sid: str, event_type: str, event: dict[str, Any] | None = None) -> list[str]:
        """Return the names of the sinks that want this type of record of this account; this record, if it is given.

        Operator records go only to sinks that ask for them by name; records of calls to every sink that does not say
        otherwise.
        """
        return [
            spec.name
            for spec in self.ledger.sinks.values()
            if (not spec.accounts or account_sid in spec.accounts)
            and (event_type in spec.types if spec.types else event_type.startswith("legwork.call."))
            and (event is None or is_wanted(spec, event))
        ]

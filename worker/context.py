"""What the steps work with: the ledger, a client per account, the open sinks, and the clock and dice that tests replace."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import InitVar, dataclass, field
from threading import Lock, Thread
from typing import TYPE_CHECKING

import structlog

from worker.deferred_writes import DeferredWrites
from worker.errors import LegworkError
from worker.exotel import ExotelClient
from worker.fairness import LARGEST_PART_OF_A_SINK
from worker.ledger.deliveries import LEASE_SECONDS
from worker.ledger.opening import Lookout
from worker.logs import learn_secrets
from worker.sinks import Sink, in_step
from worker.sinks.boundary import as_failures
from worker.tracing.spans import OFF, Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.settings import Settings
    from worker.ledger import Ledger
    from worker.retry import Dice

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class WorkerContext:
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
    deferred_writes: DeferredWrites = field(default_factory=DeferredWrites)
    tracing: Tracing = OFF
    #: How many this process works with; 0 where it delivers nothing.
    threads: int = 0
    #: That of the process, where it has one for this ledger already.
    shared_lookout: InitVar[Lookout | None] = None
    clients: dict[str, ExotelClient] = field(init=False)
    #: Looked through before anything is begun in the ledger.
    lookout: Lookout = field(init=False)
    #: The changes of the subscribers that `sinks` is in step with.
    _changes: int = field(default=0, init=False)
    #: Since when threads have been delivering, by sink.
    _sending: dict[str, list[float]] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _housekeeper: Thread | None = field(default=None, init=False)

    def __post_init__(self, shared_lookout: Lookout | None) -> None:
        self.clients = {account.sid: ExotelClient(account) for account in self.settings.accounts}
        self.lookout = shared_lookout or Lookout(self.ledger)

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

    def forget_old_files_soon(self) -> None:
        """Let sinks delete what is older than they are to keep, beside all else: a network's disk may take minutes over it."""
        if self._housekeeper is None or not self._housekeeper.is_alive():
            self._housekeeper = Thread(target=self.forget_old_files, name="old-files", daemon=True)
            self._housekeeper.start()

    def forget_old_files(self) -> None:
        """Let sinks delete what is older than they are to keep."""
        for name, sink in list(self.sinks.items()):
            try:
                with as_failures(sink.spec):
                    files = sink.forget_old()
                if files:
                    log.info("sink.files_deleted", sink=name, files=files)
            except (LegworkError, OSError) as error:
                log.warning("sink.files_not_deleted", sink=name, reason=getattr(error, "strerror", None) or str(error))

    @contextmanager
    def place_at(self, sink: str) -> Iterator[bool]:
        """Is there a thread for a delivery to a sink? Not where its share of them has heard nothing for longer than a lease.

        What those hold counts as lost, and would bring the next threads into the same place, until none is left for anybody
        else.
        """
        most, now = max(1, int(self.threads * LARGEST_PART_OF_A_SINK)), self.monotonic()
        with self._lock:
            sending = self._sending.setdefault(sink, [])
            stuck = sum(now - began > LEASE_SECONDS for began in sending)
            free = not self.threads or stuck < most
            if free:
                sending.append(now)
        try:
            yield free
        finally:
            if free:
                with self._lock:
                    sending.remove(now)

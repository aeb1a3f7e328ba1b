"""The context of the steps: the ledger, a client per account, the open sinks, and a clock and dice that tests replace."""

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
    """The context of one worker process; safe to share between threads."""

    settings: Settings
    ledger: Ledger
    sinks: dict[str, Sink]
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    dice: Dice = random.random
    #: Called when something new is due at once: the dispatcher then need not wait for its next tick.
    nudge: Callable[[], None] = lambda: None
    #: Writes to make once the ledger is reachable again.
    deferred_writes: DeferredWrites = field(default_factory=DeferredWrites)
    tracing: Tracing = OFF
    #: Number of this process's threads; 0 if it delivers nothing.
    threads: int = 0
    #: That of the process, where it has one for this ledger already.
    shared_lookout: InitVar[Lookout | None] = None
    clients: dict[str, ExotelClient] = field(init=False)
    #: Checked before any work is begun in the ledger.
    lookout: Lookout = field(init=False)
    #: The version of the subscribers that `sinks` reflects.
    sinks_version: int = field(default=0, init=False)
    #: When each thread that is delivering began, by sink.
    _sending: dict[str, list[float]] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _opening: Lock = field(default_factory=Lock, init=False)
    _housekeeper: Thread | None = field(default=None, init=False)

    def __post_init__(self, shared_lookout: Lookout | None) -> None:
        self.clients = {account.sid: ExotelClient(account) for account in self.settings.accounts}
        self.lookout = shared_lookout or Lookout(self.ledger)

    def keep_sinks_open(self) -> None:
        """Open subscribers that were added at run time, close those that were removed, open anew those that were changed."""
        with self._opening:
            self.ledger.refresh_sinks()
            register = self.ledger.register
            if register.changes == self.sinks_version:
                return
            learn_secrets(register.specs.values())
            for name, reason in register.unusable.items():
                log.error("sink.unusable", sink=name, reason=reason, hint="its deliveries wait")
            self.sinks = in_step(self.sinks, self.ledger.sinks)
            self.sinks_version = register.changes

    def forget_old_files_soon(self) -> None:
        """Let sinks delete files past their retention, in a thread of its own: a network disk may take minutes."""
        if self._housekeeper is None or not self._housekeeper.is_alive():
            self._housekeeper = Thread(target=self.forget_old_files, name="old-files", daemon=True)
            self._housekeeper.start()

    def forget_old_files(self) -> None:
        """Let sinks delete files past their retention."""
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
        """Yield whether a thread may deliver to a sink: False if its share of threads has been stuck for longer than a lease.

        What those threads hold counts as lost and is leased again, so the next threads would get stuck too, until none is
        left for other sinks.
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

"""What the views work with: the settings, the ledger, and a way to release calls for fetching at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import redis
import structlog
from flask import current_app
from kombu.exceptions import OperationalError

from webhook.context.headroom import Headroom
from webhook.context.login_throttle import LoginThrottle
from worker.dispatcher import Dispatcher
from worker.tracing.spans import OFF, Tracing

if TYPE_CHECKING:
    from schemas.settings import Settings
    from worker.ledger import Ledger
    from worker.ledger.opening import Lookout

log = structlog.get_logger(__name__)


class Services:
    """One per process; safe to share between threads."""

    def __init__(self, settings: Settings, ledger: Ledger, tracing: Tracing = OFF) -> None:
        self.settings = settings
        self.ledger = ledger
        self.tracing = tracing
        self.headroom = Headroom(ledger)
        self.login_throttle = LoginThrottle(ledger.client)
        self._accounts: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def release(self, account_sid: str) -> None:
        """Send an account's due work to the workers now, without waiting for the next round of a dispatcher.

        A thread does it, so that the callback's answer does not wait for it; if it fails, a worker's dispatcher does the
        same a moment later.
        """
        with self._lock:
            self._accounts.add(account_sid)
            if self._thread is None:
                # Started on first use, so that a server which forks after loading the app has the thread in the right process.
                self._thread = threading.Thread(target=self._run, name="release", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        dispatcher = _dispatcher(self.settings, self.ledger, self.headroom.lookout)
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                accounts, self._accounts = self._accounts, set()
            try:
                dispatcher.run_once(accounts)
            except (redis.RedisError, OperationalError) as error:
                log.warning("release.left_to_workers", error=str(error))
            except Exception:
                # If the thread died, every later release would be left to the workers.
                log.exception("release.crashed")


def services() -> Services:
    """Return the services of the current app."""
    found: Services = current_app.extensions["legwork"]
    return found


def _dispatcher(settings: Settings, ledger: Ledger, lookout: Lookout) -> Dispatcher:
    # Celery takes half a second to import, and web never needs it with the usual SETTLE_SECONDS.
    from worker.celery import make_celery  # noqa: PLC0415
    from worker.context import WorkerContext  # noqa: PLC0415
    from worker.tasks import Carrier  # noqa: PLC0415

    context = WorkerContext(settings, ledger, sinks={}, shared_lookout=lookout)
    return Dispatcher(context, Carrier(make_celery(settings)), name="web", threads=0)

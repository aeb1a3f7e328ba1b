"""`legwork web`: granian, the adapter, and the WSGI application, which does not depend on either."""

from __future__ import annotations

import _thread
import logging
import os
from typing import TYPE_CHECKING, Any

import redis
import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # it is what granian itself imports from there
from granian.server.mp import MPServer

from schemas.urls import without_password
from webhook import create_app
from webhook.callbacks.senders import count_refused_bodies, known_senders
from webhook.serving.adapter import Adapter
from webhook.serving.connections import MAX_HEADER_BYTES, listen, raise_descriptor_limit
from webhook.serving.listening import address_of, refuse_port_in_use
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.opening import open_aloud
from worker.logs import set_up_logs
from worker.process.crashes import tell_crashes
from worker.process.parent import end_with_parent
from worker.tracing.setup import look_for_the_extra

if TYPE_CHECKING:
    from schemas.settings import Settings
    from webhook.context.services import Services

log = structlog.get_logger(__name__)

# Two processes, so that one survives if the other dies. A callback is one round trip to Redis, so few threads suffice.
PROCESSES = 2
THREADS = 16
# A request under way waits for Redis for a few seconds at most; `legwork up` has to end within ten.
STOP_SECONDS = 5
# Granian's messages go through our logging. There is no access log: callback URLs hold a secret.
_LOGS: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class PatientServer(MPServer):
    """Granian with a safe signal handler and one shared listening socket.

    Granian's own handler waits for a lock that the main thread, on which the handler runs, may hold at that moment. When the
    parent is killed, each of its threads causes a signal, so several arrive at once.
    """

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """Handle SIGTERM and SIGINT: stop serving."""
        if not self.interrupt_signal:
            self.interrupt_signal = True
            # Not `threading.Thread`: its start takes locks too.
            _thread.start_new_thread(self.main_loop_interrupt.set, ())

    def _init_shared_socket(self) -> None:
        """Listen once for all processes, with our own options; granian would open one socket per process.

        Then a connection would wait for the process that the kernel's hash chose, however busy it is, and be lost with it.
        """
        self._sso = listen(self.bind_addr, self.bind_port, self.backlog)
        # Granian annotates neither these attributes nor SocketHolder's arguments.
        self._sfd = self._sso.fileno()  # type: ignore[assignment]
        self._shd = SocketHolder(self._sfd, False, self.backlog)  # type: ignore[assignment, call-arg]


def serve(settings: Settings) -> None:
    """Serve `webhook:create_app` until SIGTERM or SIGINT; requests under way are finished.

    Raises SettingsError if the port is in use, LedgerUnusable if this Redis cannot hold the ledger. An unreachable Redis
    does not stop the start: callbacks are answered with 503 until it is back, and Exotel retries them.
    """
    set_up_logs(settings)
    tell_crashes()
    look_for_the_extra(os.environ)
    refuse_port_in_use(settings.host, settings.port)
    _look_at_the_ledger(settings)
    connections = raise_descriptor_limit()
    server = PatientServer(
        "webhook.server:create_served_app",
        address=address_of(settings.host),
        port=settings.port,
        # Not WSGI, where a thread waits for a body, without a deadline. ASGINL is ASGI without lifespan events, which nothing
        # here needs.
        interface=Interfaces.ASGINL,
        # Only HTTP/1 headers say whether a POST has a body, and no client needs HTTP/2 here.
        http=HTTPModes.http1,
        factory=True,
        http1_settings=HTTP1Settings(max_buffer_size=MAX_HEADER_BYTES),
        workers=PROCESSES,
        backpressure=connections,  # a connection is counted from when it is accepted to when it is closed
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_dictconfig=_LOGS,
        log_access=False,
    )
    set_up_logs(settings)  # again, because granian's constructor has configured logging
    # Its messages about starting and stopping processes repeat ours.
    logging.getLogger("_granian").setLevel(logging.ERROR)
    log.info(
        "web.starting",
        address=address_of(settings.host),
        port=settings.port,
        processes=PROCESSES,
        threads=THREADS,
        connections=connections,
    )
    server.serve()
    log.info("web.stopped")


def create_served_app() -> Adapter:
    """Return the application of one of the server's processes, which ends with the server, even after kill -9.

    An orphan would go on accepting callbacks with old settings, on a port that a new server then could not get.
    """
    end_with_parent()
    app = create_app()
    here: Services = app.extensions["legwork"]
    return Adapter(
        app,
        THREADS,
        known_limit=known_senders(here.settings),
        body_refused=count_refused_bodies(here.ledger.meters),
        # Else a Redis that hangs, for which all threads wait, would have the probe end a web that it cannot help.
        without_thread=["/livez"],
    )


def _look_at_the_ledger(settings: Settings) -> None:
    with connect(settings) as client:
        try:
            open_aloud(Ledger(client, settings))
        except redis.RedisError as error:
            log.error("ledger.unreachable", redis=without_password(settings.redis_url or ""), error=str(error))

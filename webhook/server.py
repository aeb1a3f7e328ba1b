"""`legwork web`: granian around the WSGI application, which knows nothing of it, and an adapter between the two."""

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
from webhook.serving.connections import MAX_HEADER_BYTES, listen, make_room
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

# Two processes, so that one that dies leaves one; a callback is a round trip to Redis, so a few threads each are plenty.
PROCESSES = 2
THREADS = 16
# An open request is a callback that waits for Redis for a few seconds at most; `legwork up` has to end within ten.
STOP_SECONDS = 5
# Granian's own words go the way of all logs. There is no access log: callback URLs hold a secret.
_LOGS: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


class PatientServer(MPServer):
    """Granian, whatever it is doing when it is told to end, and however often.

    Its own handler waits for a lock that the main thread, on which it runs, may hold just then; a parent that is killed has
    its death told by each of its threads, in one burst.
    """

    def signal_handler_interrupt(self, *_: Any, **__: Any) -> None:
        """End. For SIGTERM and SIGINT."""
        if not self.interrupt_signal:
            self.interrupt_signal = True
            # Not `Thread`, whose start takes locks too.
            _thread.start_new_thread(self.main_loop_interrupt.set, ())

    def _init_shared_socket(self) -> None:
        """Listen once for all processes, with options of ours; granian would have each listen for itself.

        Then a connection would wait for the process that the kernel's hash chose, however full it is, and be lost with it.
        """
        self._sso = listen(self.bind_addr, self.bind_port, self.backlog)
        # Where granian itself sets these, it says nothing of their types, nor of what a holder is made of.
        self._sfd = self._sso.fileno()  # type: ignore[assignment]
        self._shd = SocketHolder(self._sfd, False, self.backlog)  # type: ignore[assignment, call-arg]


def serve(settings: Settings) -> None:
    """Serve `webhook:create_app` until SIGTERM or SIGINT; requests under way are finished.

    Raises SettingsError when the port is taken, LedgerUnusable when this Redis will never do. A Redis that is away is no
    reason to stay away too: callbacks are answered with 503 then, and Exotel sends them again.
    """
    set_up_logs(settings)
    tell_crashes()
    look_for_the_extra(os.environ)
    refuse_port_in_use(settings.host, settings.port)
    _look_at_the_ledger(settings)
    connections = make_room()
    server = PatientServer(
        "webhook.server:create_served_app",
        address=address_of(settings.host),
        port=settings.port,
        # Not WSGI: there a body is waited for by a thread, and without end. Nor does anything here have a beginning or end
        # of its own that ASGI's lifespan would be for.
        interface=Interfaces.ASGINL,
        # Whether a POST has a body is told by its headers in HTTP/1 alone, and nobody needs more here.
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
    set_up_logs(settings)  # making the server has set up its own
    # It tells of each process that comes and goes, as we do.
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
    """The application of one of the server's processes, which ends when the server does, even by kill -9.

    Left behind, it would go on taking callbacks with the settings of yesterday, on a port that no new server gets.
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

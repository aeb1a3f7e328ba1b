"""Run a worker process: Celery's threads, and a dispatcher."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING

import redis
import structlog
from celery import signals
from celery.platforms import SecurityWarning

from schemas.urls import without_password
from worker.celery import QUEUE, make_celery
from worker.connections import connect
from worker.context import WorkerContext
from worker.dispatcher import Dispatcher
from worker.ledger import Ledger
from worker.ledger.advice import what_to_do
from worker.ledger.opening import open_aloud
from worker.logs import set_up_logs
from worker.process.crashes import tell_crashes
from worker.process.heartbeat import Heartbeat
from worker.sinks import open_sinks
from worker.sinks.boundary import close
from worker.steps.ask_at_start import begin_asking
from worker.tasks import Carrier, register
from worker.tracing.setup import begin_tracing

if TYPE_CHECKING:
    from schemas.settings import Settings

log = structlog.get_logger(__name__)

# A thread spends its time waiting for Exotel or a sink; eight sustain 3.3 calls a second at 2 s each.
THREADS = 8
_AGAIN_SECONDS = 1.0
_LAST_ROUND_SECONDS = 2.0


def run_worker(settings: Settings, *, threads: int = THREADS, heartbeat: Heartbeat | None = None) -> int:
    """Work until SIGTERM or SIGINT, then finish the tasks in progress. Returns the exit code.

    Raises BadSink if a sink cannot be opened, LedgerUnusable if this Redis cannot hold the ledger. Waits for an
    unreachable Redis.
    """
    set_up_logs(settings)
    tell_crashes()
    # Celery warns root users because of pickled messages; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    tracing = begin_tracing(os.environ, "legwork-worker")
    sinks = open_sinks(settings)
    name = f"{socket.gethostname()}:{os.getpid()}"
    ledger = Ledger(connect(settings), settings, worker=name)
    heartbeat = heartbeat or Heartbeat(None)
    open_when_there(ledger, heartbeat)
    app = make_celery(settings, with_every_try=heartbeat.beat)
    context = WorkerContext(settings, ledger, sinks, tracing=tracing, threads=threads)
    context.keep_sinks_open()
    dispatcher = Dispatcher(context, Carrier(app), name=name, threads=threads, heartbeat=heartbeat)
    context.nudge = dispatcher.nudge
    register(app, context)
    thread = threading.Thread(target=dispatcher.run, name="dispatcher", daemon=True)
    # If this signal has a receiver, Celery leaves the logging alone.
    signals.setup_logging.connect(lambda **_: None, weak=False)
    # Celery prints its shutdown on standard output, where `stdout:` writes records and nothing else.
    sys.__stdout__ = None  # type: ignore[misc]
    endings: list[str] = []

    def end(*, how: str, **_: object) -> None:
        # From the first signal on nothing new is leased: running tasks are finished; messages in Celery's queue go to
        # other workers, or their items are due again when their leases expire.
        endings.append(how)
        dispatcher.stop()
        log.info("worker.ending")

    signals.worker_shutting_down.connect(end, weak=False)
    signals.worker_ready.connect(lambda **_: _ready(thread, context), weak=False)
    worker = app.Worker(
        pool_cls="threads",
        concurrency=threads,
        queues=[QUEUE],
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    dispatcher.stop()
    if thread.is_alive():
        thread.join(_LAST_ROUND_SECONDS)
    _take_leave(dispatcher)
    ledger.meters.close()
    tracing.close()
    for sink in context.sinks.values():
        close(sink)
    log.info("worker.stopped")
    # Celery treats an end by Ctrl-C as a failure; here it is a normal end.
    return 0 if endings == ["Warm"] else worker.exitcode or 0


def open_when_there(ledger: Ledger, heartbeat: Heartbeat) -> None:
    """Open the ledger, waiting for an unreachable Redis. Raises LedgerUnusable if this Redis cannot hold it."""
    told = False
    while True:
        heartbeat.beat()
        try:
            open_aloud(ledger)
        except redis.RedisError as error:
            if not told:
                log.error(
                    "ledger.unreachable",
                    redis=without_password(ledger.settings.redis_url or ""),
                    error=str(error),
                    hint=what_to_do(error),
                )
            told = True
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _ready(thread: threading.Thread, context: WorkerContext) -> None:
    settings = context.settings
    log.info("worker.ready", threads=context.threads, accounts=len(settings.accounts), sinks=len(settings.sinks))
    thread.start()
    begin_asking(context)


def _take_leave(dispatcher: Dispatcher) -> None:
    try:
        dispatcher.deregister_worker()
    except redis.RedisError as error:
        log.warning("ledger.unreachable", error=str(error))

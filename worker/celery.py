"""The Celery app and its few settings, each for a measured reason.

Celery carries a small window of work; pending work is stored in the ledger. So a lost message costs one lease, a duplicate
costs one Redis call, and everything that makes messages long-lived (ETA, countdown, retry, results) is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Celery
from kombu.connection import Connection

from worker.connections import SOCKET_TIMEOUT_SECONDS, celery_broker

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import Settings

QUEUE = "legwork"
# Longer than any lease: a message that Celery hands out again after this is stale and ends at the ledger.
_VISIBILITY_SECONDS = 600
# Seconds between attempts to reconnect to the broker. Celery's own wait grows with each, up to half a minute.
_AGAIN_SECONDS = 1.0


class _Connection(Connection):
    """A connection to the broker that is retried every second, however long the broker has been unreachable."""

    #: Called before every attempt.
    with_every_try: Callable[[], None] = staticmethod(lambda: None)

    @property
    def connection_errors(self) -> tuple[type[Exception], ...]:
        # If a channel is closed while the worker's loop makes its client, kombu raises one of these; Celery would treat
        # it as a bug, and end the worker.
        return (*super().connection_errors, AttributeError)

    def ensure_connection(self, *args: Any, callback: Callable[[], None] | None = None, **kwargs: Any) -> _Connection:
        def each_second() -> None:
            self.with_every_try()
            if callback is not None:
                callback()

        every = {"interval_start": _AGAIN_SECONDS, "interval_step": 0.0, "interval_max": _AGAIN_SECONDS}
        super().ensure_connection(*args, callback=each_second, **{**every, **kwargs})  # type: ignore[no-untyped-call]
        return self


def make_celery(settings: Settings, *, with_every_try: Callable[[], None] = lambda: None) -> Celery:
    """Return the Celery app; nothing is connected yet, no task is registered yet (see `worker.tasks`).

    `with_every_try` is called at every attempt to reconnect to the broker.
    """
    app = Celery("legwork", broker=celery_broker(settings))
    app.amqp.Connection = type("Connection", (_Connection,), {"with_every_try": staticmethod(with_every_try)})
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A Redis that is out of memory, read-only or demoted answers with an error; the worker waits for it to come back
        # as it does for one that does not answer, and does not end.
        broker_channel_error_retry=True,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_SECONDS,
            "socket_connect_timeout": SOCKET_TIMEOUT_SECONDS,
            "socket_timeout": 3,  # above the 1 s that a blocking read takes
            "socket_keepalive": True,
            # A network that drops a connection sends nothing; a blocking read overdue by this many seconds is abandoned.
            "health_check_interval": 2,
        },
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A publisher that retries would block the dispatcher; the call is due again after its lease anyway.
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0.1,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        # A worker takes a message when a thread is free for it. By Celery's count of unacknowledged messages, a worker
        # whose acknowledgements had all failed would never take another one.
        worker_prefetch_multiplier=0,
        worker_disable_prefetch=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=0,
        worker_enable_remote_control=False,
    )
    return app

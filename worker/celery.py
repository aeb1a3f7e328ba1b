"""The Celery app and its few settings, each for a measured reason.

Celery carries a small window of work; what is owed stands in the ledger. So a lost message costs one lease, a doubled one
costs one Redis call, and everything that makes messages long-lived (ETA, countdown, retry, results) stays off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import Celery

from worker.connections import celery_broker

if TYPE_CHECKING:
    from schemas.settings import Settings

QUEUE = "legwork"
# Longer than any lease: a message that Celery hands out again after this is stale and ends at the ledger.
_VISIBILITY_SECONDS = 600


def make_celery(settings: Settings) -> Celery:
    """Return the Celery app; nothing is connected yet, no task is registered yet (see `worker.tasks`)."""
    app = Celery("legwork", broker=celery_broker(settings))
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_SECONDS,
            "socket_connect_timeout": 5,
            "socket_timeout": 30,  # above the 1 s that a blocking read takes, and redis-py 8 would give up after 5
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        # A publisher that waits holds up the dispatcher; the lease brings the call back anyway.
        task_publish_retry_policy={
            "max_retries": 2,
            "interval_start": 0.1,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_soft_shutdown_timeout=0,
        worker_enable_remote_control=False,
    )
    return app

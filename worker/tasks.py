"""Define and publish Celery's tasks: the only file that knows them.

A task always ends normally: its outcome is a write to the ledger. An exception from a step is logged. If it is a bug, the
lease expires; if the ledger is unreachable, the lease is released as soon as it is back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
import structlog
from kombu.exceptions import OperationalError

from worker.errors import LedgerUnusable
from worker.ledger.backlog import Lease
from worker.steps.deliver import deliver
from worker.steps.fetch import fetch_call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from celery import Celery

    from worker.context import WorkerContext

log = structlog.get_logger(__name__)

FETCH = "legwork.fetch_call"
DELIVER = "legwork.deliver_record"


def register(app: Celery, context: WorkerContext) -> None:
    """Register the tasks with a worker's app."""

    @app.task(name=FETCH, shared=False)  # type: ignore[untyped-decorator]
    def _fetch(account_sid: str, call_sid: str, lease_id: str) -> None:
        lease = Lease(call_sid, lease_id)
        _run(
            context,
            lambda: fetch_call(context, account_sid, lease),
            lambda: context.ledger.calls[account_sid].fetches.release([lease]),
            account=account_sid,
        )

    @app.task(name=DELIVER, shared=False)  # type: ignore[untyped-decorator]
    def _deliver(account_sid: str, sink: str, leases: list[list[str]]) -> None:
        held = [Lease(*lease) for lease in leases]
        _run(
            context,
            lambda: deliver(context, account_sid, sink, held),
            lambda: context.ledger.deliveries[account_sid, sink].backlog.release(held),
            account=account_sid,
            sink=sink,
        )


def _run(context: WorkerContext, step: Callable[[], None], release: Callable[[], int], **about: str) -> None:
    try:
        context.lookout.see()
        step()
    except LedgerUnusable as error:
        # This Redis is not Legwork's to change now: the lease expires, if the ledger becomes usable again.
        log.warning("step.not_begun", error=str(error))
    except redis.RedisError as error:
        log.warning("ledger.unreachable", error=str(error), **about)
        context.deferred_writes.add(release)
    except Exception:
        log.exception("step.crashed", **about)
    finally:
        context.nudge()


class Carrier:
    """Publishes leased work to the workers. Raises kombu's OperationalError if the broker is unreachable."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def fetch(self, account_sid: str, leases: Sequence[Lease]) -> None:
        """Send a message for each leased call."""
        self._send(FETCH, [(account_sid, lease.item, lease.id) for lease in leases])

    def deliver(self, account_sid: str, sink: str, batches: Sequence[Sequence[Lease]]) -> None:
        """Send a message for each batch of leased deliveries."""
        self._send(DELIVER, [(account_sid, sink, [[lease.item, lease.id] for lease in batch]) for batch in batches])

    def _send(self, task: str, messages: Sequence[tuple[object, ...]]) -> None:
        if not messages:
            return
        try:
            with self._app.producer_or_acquire() as producer:
                for arguments in messages:
                    self._app.send_task(task, arguments, producer=producer, ignore_result=True)
        except AttributeError as error:
            # Raised by kombu's channel if its connection was closed, in use ('NoneType' has no attribute 'client') or
            # when it is returned ('cycle').
            raise OperationalError(f"the broker's connection is gone: {error}") from error

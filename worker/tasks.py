"""What Celery carries, and how it gets there: the only file that knows Celery's tasks.

A task body ends normally whatever happened: the outcome is a ledger write. What it raises nonetheless is logged: a bug,
and the lease runs its course; or the ledger out of reach, and the lease is given back as soon as it is there again.
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
    """Make the tasks known to a worker."""

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
        # What lies there is not ours to change: the lease runs its course, should the ledger become ours again.
        log.warning("step.not_begun", error=str(error))
    except redis.RedisError as error:
        log.warning("ledger.unreachable", error=str(error), **about)
        context.deferred_writes.add(release)
    except Exception:
        log.exception("step.crashed", **about)
    finally:
        context.nudge()


class Carrier:
    """Publishes leased work to the workers. Raises kombu's OperationalError when the broker is out of reach."""

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
            # What kombu's channel says when its connection was closed under it, in use ('NoneType' has no attribute
            # 'client') and when it is put away ('cycle').
            raise OperationalError(f"the broker's connection is gone: {error}") from error

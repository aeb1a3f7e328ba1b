"""Fetch one call's legs, with a token, and store the result."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import redis
import structlog

from worker import metrics
from worker.errors import AccountSuspended, NotFinalYet, TemporaryFailure, Throttled, Unreachable
from worker.exotel import Fetched
from worker.ledger.backlog import Lane, Lease
from worker.ledger.meters import FETCHED
from worker.retry import wait_before
from worker.steps.announce import announce
from worker.steps.decide import Sent, give_up, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.context import WorkerContext
    from worker.ledger.bucket import Grant
    from worker.ledger.call import OwedCall
    from worker.ledger.calls import CallBook
    from worker.tracing.spans import Span

log = structlog.get_logger(__name__)

# The outcome of a request.
Outcome = Fetched | TemporaryFailure | AccountSuspended

# Seconds for which a thread waits for a token; for a longer wait the call goes back to the backlog, where a more urgent
# one may overtake it.
LONGEST_WAIT_SECONDS = 1.0
# Seconds of pause after `Retry-After: 0` or a date just past: without a pause, every call would be retried at once.
SHORTEST_PAUSE_SECONDS = 1.0
# Errors of a probe that do not show whether Exotel has checked the credentials.
_PROVES_NOTHING = (AccountSuspended, Throttled, Unreachable)


def fetch_call(context: WorkerContext, account_sid: str, lease: Lease) -> None:
    """Fetch a leased call, if the lease is still valid, and store the result."""
    book = context.ledger.calls.get(account_sid)
    if book is None:
        # During a change of settings, a worker with the old ones may get work leased by one with the new ones.
        log.warning("call.not_ours", account=account_sid, hint="do all workers have the same accounts?")
        return
    call = book.claim(lease)
    if call is None:
        return
    with structlog.contextvars.bound_contextvars(account=account_sid, call_sid=call.call_sid), ExitStack() as traced:
        began = context.monotonic()
        with _token(context, book, call) as grant:
            if grant is None:
                return
            sent = Sent(at_ms=call.claim.now + (context.monotonic() - began) * 1000)
            span = traced.enter_context(context.tracing.fetch(account_sid, call, sent_ms=sent.at_ms))
            outcome = _ask(context, book, call)
        _measure(context, book, outcome, context.monotonic() - began)
        _trace(span, outcome)
        if grant.is_probe and not isinstance(outcome, _PROVES_NOTHING) and book.bucket.resume():
            log.info("account.resumed")
            if grant.ends_suspension:
                announce(context, account_sid, "account_resumed")
        _note(context, book, call, outcome, sent)


@contextmanager
def _token(context: WorkerContext, book: CallBook, call: OwedCall) -> Iterator[Grant | None]:
    """Hold a token during a request; yield None if there is none, after putting the call back."""
    token = f"{call.call_sid}:{call.lease.id}"
    grant = book.bucket.take(token, max_wait_seconds=LONGEST_WAIT_SECONDS)
    shut_seconds = grant.wait_seconds
    if grant.taken and grant.wait_seconds > 0:
        context.sleep(grant.wait_seconds)
        shut_seconds = book.bucket.still_open(token)
    if not grant.taken or shut_seconds > 0:
        _put_back(context, book, call, shut_seconds)
        yield None
        return
    try:
        yield grant
    finally:
        _give_back(context, book, token)


def _give_back(context: WorkerContext, book: CallBook, token: str) -> None:
    try:
        book.bucket.give_back(token)
    except redis.RedisError:
        # Giving it back later is safe: the token stays in use for longer. Otherwise it is missing until it counts as lost.
        context.deferred_writes.add(lambda: book.bucket.give_back(token))
        raise


def _ask(context: WorkerContext, book: CallBook, call: OwedCall) -> Outcome:
    try:
        return context.clients[book.account.sid].fetch_legs(call.call_sid)
    except (TemporaryFailure, AccountSuspended) as failure:
        return failure


def _named(outcome: Outcome) -> str:
    match outcome:
        case Fetched():
            return "final"
        case AccountSuspended():
            return "suspended"
        case Throttled():
            return "throttled"
        case NotFinalYet():
            return "not_final"
        case _:
            return "unreachable"


def _trace(span: Span, outcome: Outcome) -> None:
    span.note(legwork__outcome=_named(outcome))
    # A call that is still going on is not a failure.
    if not isinstance(outcome, Fetched | NotFinalYet):
        span.fail(type(outcome).__name__)


def _measure(context: WorkerContext, book: CallBook, outcome: Outcome, seconds: float) -> None:
    context.ledger.meters.count(metrics.FETCHES, book.account.sid, _named(outcome), over=FETCHED)
    context.ledger.meters.observe(metrics.FETCH_SECONDS, seconds, book.account.sid)


def _note(
    context: WorkerContext,
    book: CallBook,
    call: OwedCall,
    outcome: Outcome,
    sent: Sent,
) -> None:
    match outcome:
        case Fetched():
            settle(context, book, call, outcome, sent)
        case Throttled():
            asked = outcome.retry_after
            if book.bucket.pause(None if asked is None else max(asked, SHORTEST_PAUSE_SECONDS)):
                log.warning("account.paused", reason=str(outcome), retry_after=asked)
                # Legwork keeps the quota, so another program uses the same account.
                announce(context, book.account.sid, "quota_shared", reason=str(outcome))
            _put_back(context, book, call, 0.0, requests=1, answer=str(outcome))
        case AccountSuspended():
            if book.bucket.suspend(str(outcome)):
                log.error("account.suspended", reason=str(outcome))
                announce(context, book.account.sid, "account_suspended", reason=str(outcome))
            _put_back(context, book, call, 0.0, requests=1, answer=str(outcome))
        case TemporaryFailure():
            _missed(context, book, call, outcome, sent)


def _put_back(
    context: WorkerContext,
    book: CallBook,
    call: OwedCall,
    seconds: float,
    *,
    requests: int = 0,
    answer: str | None = None,
) -> None:
    """Put a call back without using up an attempt: the cause is not in the call."""
    book.postpone(
        call,
        wait_seconds=seconds,
        attempt=False,
        settle_seconds=context.settings.settle_seconds,
        step=None if answer is None else call.fetch_step(answer),
        requests=requests,
    )


def _missed(context: WorkerContext, book: CallBook, call: OwedCall, failure: TemporaryFailure, sent: Sent) -> None:
    """Retry by the schedule; after the last retry the call is marked failed."""
    attempt = call.claim.attempts + 1
    wait = wait_before(attempt, context.settings.retry_schedule, at_least=failure.retry_after, dice=context.dice)
    body = failure.body if isinstance(failure, NotFinalYet) else None
    if wait is None:
        give_up(context, book, call, failure, sent)
        return
    confirming = call.claim.lane is Lane.CONFIRM
    log.info("call.not_ready", reason=str(failure), attempt=attempt, again_in=round(wait, 1))
    book.postpone(
        call,
        wait_seconds=wait,
        attempt=True,
        settle_seconds=context.settings.settle_seconds,
        lane=Lane.CONFIRM if confirming else Lane.RETRY,
        step=call.fetch_step(str(failure)),
        # A confirmation that finds less than the record has changes nothing.
        partial=None if confirming else body,
        requests=1,
    )

"""Decide a call (settled, corrected, confirmed or failed), and build its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from marshmallow import ValidationError

from schemas.legs import LegsAnswer, load_legs
from schemas.record import TYPE_CORRECTED
from worker import metrics
from worker.errors import LegworkError, NotFinalYet
from worker.ledger.backlog import Lane, Lease
from worker.ledger.call import CallState, OwedCall, Verdict
from worker.record.build import Provenance, build_record, same_facts
from worker.record.shape import sinks_for
from worker.steps.announce import announce

if TYPE_CHECKING:
    from worker.context import WorkerContext
    from worker.exotel import Fetched
    from worker.ledger.calls import CallBook

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """When a request was sent, in milliseconds of Redis's clock (no clock of a worker gets into a record)."""

    at_ms: float


def settle(context: WorkerContext, book: CallBook, call: OwedCall, fetched: Fetched, sent: Sent) -> None:
    """Handle a final answer: send the record, or a correction if it differs from the last record sent."""
    revision = call.state.revision + 1
    provenance = _provenance(call, sent, fetched)
    event = _record(book, call, revision, provenance, answer=fetched.answer, settled=True)
    step = call.fetch_step("200: final")
    if revision > 1:
        before = _last_record(book, call)
        if before is not None and before["data"]["settled"] and same_facts(before, event):
            verdict = Verdict("confirmed", call.state.revision, step=step)
            if _decide(context, book, call, verdict):
                context.ledger.meters.count(metrics.CALLS_DECIDED, book.account.sid, "confirmed")
            return
    confirm = context.settings.confirm_seconds if revision == 1 and context.settings.confirm_seconds > 0 else None
    _send_out(context, book, call, event, "settled", revision, step=step, confirm_seconds=confirm)


def give_up(context: WorkerContext, book: CallBook, call: OwedCall, failure: LegworkError, sent: Sent) -> None:
    """Mark a call as failed after the last retry: send sinks a record, with the legs that were seen, if any."""
    step = call.fetch_step(str(failure))
    if call.claim.lane is Lane.CONFIRM:
        # The record that was sent stays; only its confirmation failed.
        _decide(context, book, call, Verdict("confirmed", call.state.revision, step=step))
        return
    body = (failure.body if isinstance(failure, NotFinalYet) else None) or book.partial(call.call_sid)
    answer = _legs_seen(body, book)
    event = _record(book, call, 1, _provenance(call, sent, None), answer=answer, settled=False, reason=str(failure))
    if not _send_out(context, book, call, event, "dead", 1 if answer else 0, step=step, reason=str(failure)):
        return  # another worker has the call by now, and may settle it
    log.warning("call.dead", reason=str(failure))
    announce(context, book.account.sid, "call_dead", call_sid=call.call_sid, reason=str(failure))


def bury(context: WorkerContext, book: CallBook, lease: Lease, reason: str) -> None:
    """Mark a call that kills its workers as failed; the sinks get a record, as for every failed call."""
    call = book.claim(lease)
    if call is None:
        return
    with structlog.contextvars.bound_contextvars(account=book.account.sid, call_sid=call.call_sid):
        give_up(context, book, call, LegworkError(reason), Sent(at_ms=call.claim.now))


def _send_out(
    context: WorkerContext,
    book: CallBook,
    call: OwedCall,
    event: dict[str, Any],
    outcome: str,
    revision: int,
    *,
    step: dict[str, Any],
    reason: str = "",
    confirm_seconds: float | None = None,
) -> bool:
    """Decide the call and queue its record; return False if the lease was stale."""
    kind = event["type"].rpartition(".")[2]
    verdict = Verdict(
        outcome,
        revision,
        event_key=f"{event['data']['revision']}/{kind}",
        event=event,
        sinks=sinks_for(context.ledger.sinks.values(), book.account.sid, event["type"], event),
        reason=reason,
        confirm_seconds=confirm_seconds,
        step=step,
    )
    if not _decide(context, book, call, verdict):
        return False
    context.nudge()
    _measure(context, book, event, outcome if event["type"] != TYPE_CORRECTED else "corrected")
    if event["type"] == TYPE_CORRECTED:
        log.info("call.corrected", revision=revision)
    return True


def _decide(context: WorkerContext, book: CallBook, call: OwedCall, verdict: Verdict) -> bool:
    with context.tracing.decide(book.account.sid, call, verdict.outcome) as span:
        is_ours = book.decide(call.call_sid, call.lease, verdict, callbacks=call.callbacks)
        if not is_ours:
            span.note(legwork__outcome="stale")
        return is_ours


def _measure(context: WorkerContext, book: CallBook, event: dict[str, Any], outcome: str) -> None:
    meters, sid = context.ledger.meters, book.account.sid
    meters.count(metrics.CALLS_DECIDED, sid, outcome)
    if outcome == "corrected":
        return  # its confirmation waited on purpose
    provenance = event["data"]["provenance"]
    meters.observe(metrics.REQUESTS_PER_CALL, provenance["fetches"], sid)
    meters.observe(metrics.SETTLE_WAIT_SECONDS, provenance["waited_seconds"]["settle"], sid)
    meters.observe(metrics.QUOTA_WAIT_SECONDS, provenance["waited_seconds"]["quota"], sid)


def _record(
    book: CallBook,
    call: OwedCall,
    revision: int,
    provenance: Provenance,
    *,
    answer: LegsAnswer | None,
    settled: bool,
    reason: str | None = None,
) -> dict[str, Any]:
    return build_record(
        account_sid=book.account.sid,
        call_sid=call.call_sid,
        revision=revision,
        settled=settled,
        callbacks=call.callbacks,
        answer=answer,
        provenance=provenance,
        timezone=book.account.timezone,
        region=book.account.region,
        reason=reason,
    )


def _last_record(book: CallBook, call: OwedCall) -> dict[str, Any] | None:
    revision = call.state.revision
    return book.event(call.call_sid, f"{revision}/{'completed' if revision == 1 else 'corrected'}")


def _legs_seen(body: bytes | None, book: CallBook) -> LegsAnswer | None:
    if body is None:
        return None
    try:
        answer = load_legs(body, timezone=book.account.timezone)
    except ValidationError:
        return None
    return answer if answer.legs else None


def _provenance(call: OwedCall, sent: Sent, fetched: Fetched | None) -> Provenance:
    state: CallState = call.state
    seconds = 0.0 if fetched is None else fetched.seconds
    return Provenance(
        fetched_at=None if fetched is None else _moment(sent.at_ms + seconds * 1000),
        fetches=state.fetches + 1,
        response_sha256=None if fetched is None else fetched.sha256,
        first_callback_at=_moment(state.since),
        waited_seconds={
            "settle": round(max(0.0, call.claim.due - state.since) / 1000, 3),
            "quota": round(max(0.0, sent.at_ms - call.claim.due) / 1000, 3),
            "fetch": round(seconds, 3),
        },
    )


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)

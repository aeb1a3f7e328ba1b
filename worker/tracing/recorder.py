"""Record the spans of calls with OpenTelemetry. Why their ids are derived: docs/decisions/0012-one-trace-a-call.md."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags

from worker.errors import PermanentFailure, SinkGone, Surprise, TemporaryFailure
from worker.tracing.ids import span_id_of, trace_id_of
from worker.tracing.recorded import W3C, Recorded, ended
from worker.tracing.spans import Span, Tracing, as_current, current_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import TracerProvider

    from schemas.callback import Callback
    from worker.ledger.call import OwedCall
    from worker.ledger.deliveries import OwedDelivery
    from worker.tracing.planned_ids import PlannedIds


class Recorder(Tracing):
    """Begins spans with a provider's tracer; the provider must take its ids from `ids`."""

    is_on = True

    def __init__(self, provider: TracerProvider, ids: PlannedIds) -> None:
        self._provider = provider
        self._ids = ids
        self._tracer = provider.get_tracer("legwork")

    @contextmanager
    def callback(self, account_sid: str, callback: Callback, *, began: float, asked_by: str | None) -> Iterator[Span]:
        """Record a callback. Its spans are created at its end, since only then it is known whether it is the root."""
        admitting = time.time_ns()
        arrived = admitting - round((time.perf_counter() - began) * 1e9)
        seen, trouble = _Noted(), ""
        try:
            yield seen
        except Exception as error:
            trouble = type(error).__name__
            raise
        finally:
            call = _Call(account_sid, callback.call_sid)
            is_root = bool(seen.notes.get("legwork__new"))
            span = self._begin(
                call,
                "callback",
                SpanKind.SERVER,
                span_id=call.root_id if is_root else None,
                is_root=is_root,
                # From an outside trace: it is linked to, never continued.
                links=[_brought(asked_by)] if asked_by else [],
                start_time=arrived,
            )
            span.note(legwork__kind=callback.kind, legwork__ended=callback.ended, **seen.notes)
            inside = trace.set_span_in_context(span.span, Context())
            self._tracer.start_span("admit", inside, start_time=admitting).end()
            if trouble:
                span.fail(trouble)
            span.span.end()

    @contextmanager
    def fetch(self, account_sid: str, call: OwedCall, *, sent_ms: float) -> Iterator[Span]:
        """Record a request for a call's legs, linked to the previous request, if any."""
        traced, number = _Call(account_sid, call.call_sid), call.state.fetches + 1
        span = self._begin(
            traced,
            "fetch",
            SpanKind.CONSUMER,
            # A worker died during this fetch, and may have exported its span: no id may be used twice.
            span_id=None if call.claim.deaths else traced.span_id(f"fetch {number}"),
            links=[self._link(traced, f"fetch {number - 1}")] if number > 1 else [],
        )
        span.note(
            legwork__fetch=number,
            legwork__lane=call.claim.lane.name.lower(),
            legwork__settle_wait_seconds=round(max(0.0, call.claim.due - call.state.since) / 1000, 3),
            legwork__quota_wait_seconds=round(max(0.0, sent_ms - call.claim.due) / 1000, 3),
        )
        with as_current(span), ended(span):
            yield span

    @contextmanager
    def decide(self, account_sid: str, call: OwedCall, outcome: str) -> Iterator[Span]:
        """Record the decision on a call; its deliveries link to this span."""
        traced = _Call(account_sid, call.call_sid)
        span = self._begin(
            traced, "decide", SpanKind.INTERNAL, span_id=traced.span_id(f"decide {call.state.fetches + 1}"), inside=True
        )
        span.note(legwork__outcome=outcome)
        with ended(span):
            yield span

    @contextmanager
    def deliver(
        self, account_sid: str, sink: str, deliveries: Sequence[OwedDelivery], *, schedule: Sequence[float]
    ) -> Iterator[Span]:
        """Record an attempt at deliveries, with a span each. Records that are about no call have no trace."""
        of_calls = [one for one in deliveries if one.event["type"].startswith("legwork.call.")]
        spans = [(one, self._delivery(account_sid, sink, one, len(deliveries))) for one in of_calls]
        alone = spans[0][1] if len(deliveries) == len(spans) == 1 else Span()
        outcome, trouble = "delivered", ""
        try:
            with as_current(alone):
                yield alone
        except BaseException as error:  # also on shutdown of the worker: the span must not show a success
            outcome, trouble = _outcome_of(error, batch=len(deliveries)), type(error).__name__
            raise
        finally:
            for one, span in spans:
                past = outcome == "again" and one.claim.attempts + 1 > len(schedule)
                span.note(legwork__outcome="dead" if past else outcome)
                if trouble:
                    span.fail(trouble)
                span.span.end()

    def close(self) -> None:
        """Export the remaining spans."""
        self._provider.shutdown()

    def _delivery(self, account_sid: str, sink: str, one: OwedDelivery, batch: int) -> Recorded:
        call = _Call(account_sid, one.call_sid)
        fetches = one.event["data"]["provenance"]["fetches"]
        link = self._link(call, f"decide {fetches}")
        span = self._begin(call, "deliver", SpanKind.PRODUCER, links=[link])
        span.note(
            legwork__sink=sink,
            legwork__record=one.event_key,
            legwork__attempt=one.claim.attempts + 1,
            legwork__wait_seconds=round(max(0.0, one.claim.now - one.claim.due) / 1000, 3),
            legwork__batch=batch,
        )
        return span

    def _begin(
        self,
        call: _Call,
        name: str,
        kind: SpanKind,
        *,
        span_id: int | None = None,
        is_root: bool = False,
        inside: bool = False,
        links: Sequence[Link] = (),
        start_time: int | None = None,
    ) -> Recorded:
        """Begin a span of a call: its root, a child of the root, or `inside` the current one if that is of this call."""
        parent = Context() if is_root else trace.set_span_in_context(NonRecordingSpan(self._context(call)), Context())
        around = current_span()
        if inside and isinstance(around, Recorded) and around.span.get_span_context().trace_id == call.trace_id:
            parent = trace.set_span_in_context(around.span, Context())
        with self._ids.planned(call.trace_id, span_id):
            span = self._tracer.start_span(name, parent, kind=kind, links=links, start_time=start_time)
        recorded = Recorded(self._tracer, span)
        recorded.note(legwork__account=call.account_sid, legwork__call_sid=call.call_sid)
        return recorded

    def _context(self, call: _Call, span_id: int | None = None) -> SpanContext:
        """Return the context of a span that another process may have recorded: the sampler decides by the trace id."""
        decision = self._provider.sampler.should_sample(Context(), call.trace_id, "callback").decision
        flags = TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)
        return SpanContext(call.trace_id, span_id or call.root_id, is_remote=True, trace_flags=flags)

    def _link(self, call: _Call, step: str) -> Link:
        return Link(self._context(call, call.span_id(step)))


def _outcome_of(error: BaseException, *, batch: int) -> str:
    """Return the outcome of deliveries that ended with an error."""
    match error:
        case SinkGone():
            return "gone"
        # Of several, each is tried on its own now.
        case PermanentFailure() | Surprise() if batch > 1:
            return "split"
        case PermanentFailure():
            return "dead"
        case TemporaryFailure():
            return "again"
        case _:
            return "crashed"


class _Call:
    """A call, and the ids of its trace."""

    def __init__(self, account_sid: str, call_sid: str) -> None:
        self.account_sid, self.call_sid = account_sid, call_sid
        self.trace_id = trace_id_of(account_sid, call_sid)
        self.root_id = self.span_id("callback")

    def span_id(self, step: str) -> int:
        return span_id_of(self.account_sid, self.call_sid, step)


class _Noted(Span):
    """Keeps the attributes of a span that does not exist yet."""

    def __init__(self) -> None:
        self.notes: dict[str, str | float | bool] = {}

    def note(self, **notes: str | float | bool) -> None:
        self.notes |= notes


def _brought(traceparent: str) -> Link:
    """Return a link to a request's `traceparent`; an invalid link if it cannot be parsed."""
    context = W3C.extract({"traceparent": traceparent}, Context())
    return Link(trace.get_current_span(context).get_span_context())

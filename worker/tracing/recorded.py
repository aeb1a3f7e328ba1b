"""Implement `Span` with an OpenTelemetry span."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from worker.tracing.spans import Span, addressed, noted

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Reads and writes a `traceparent` (https://www.w3.org/TR/trace-context/).
W3C = TraceContextTextMapPropagator()


class Recorded(Span):
    """A span of OpenTelemetry's."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self.span = span

    def note(self, **notes: str | float | bool) -> None:
        self.span.set_attributes(noted(notes))

    def fail(self, kind: str) -> None:
        # No description: messages go to the log, which masks secrets.
        self.span.set_status(StatusCode.ERROR)
        self.span.set_attribute("error.type", kind)

    @contextmanager
    def child(self, name: str, method: str, url: str) -> Iterator[Span]:
        inside = trace.set_span_in_context(self.span, Context())
        child = Recorded(self._tracer, self._tracer.start_span(name, inside, kind=SpanKind.CLIENT))
        child.sent(method, url)
        with ended(child) as span:
            yield span

    def sent(self, method: str, url: str) -> None:
        self.note(http__request__method=method, **addressed(url))

    def answered(self, status: int | None) -> None:
        if status is None:
            return
        self.note(http__response__status_code=status)
        if status >= HTTPStatus.BAD_REQUEST:
            self.fail(str(status))

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        W3C.inject(carrier, trace.set_span_in_context(self.span, Context()))
        return carrier


@contextmanager
def ended(span: Recorded) -> Iterator[Recorded]:
    """End a span when its work ends; an exception marks it as failed."""
    with ExitStack() as at_the_end:
        at_the_end.callback(span.span.end)
        try:
            yield span
        except Exception as error:
            span.fail(type(error).__name__)
            raise

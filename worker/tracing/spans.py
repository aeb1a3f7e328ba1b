"""The interface between the steps and a trace, with implementations that record nothing."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from schemas.callback import Callback
    from worker.ledger.call import OwedCall
    from worker.ledger.deliveries import OwedDelivery


class Span:
    """A unit of work in a trace. No attribute may contain a phone number, a secret, or an external message."""

    def note(self, **notes: str | float | bool) -> None:
        """Add attributes; two underscores in a name become a dot."""

    def fail(self, kind: str) -> None:
        """Mark the work as failed; `kind` is the name of an error, or an HTTP status."""

    def child(self, name: str, method: str, url: str) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Begin an outgoing request as a child of this span; only the URL's host is recorded."""
        return _NO_WORK

    def sent(self, method: str, url: str) -> None:
        """Record that this span is an outgoing request, likewise."""

    def answered(self, status: int | None) -> None:
        """Record the response's HTTP status, if there was a response."""

    def headers(self) -> dict[str, str]:
        """Return the headers that let the receiver of a request continue the trace (W3C Trace Context)."""
        return {}


class _NoWork:
    """A context manager for the span that records nothing; thread-safe."""

    def __enter__(self) -> Span:
        return NOTHING

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


NOTHING = Span()
_NO_WORK = _NoWork()
_CURRENT: ContextVar[Span] = ContextVar("span", default=NOTHING)


def current_span() -> Span:
    """Return this thread's current span, for code that is not passed it."""
    return _CURRENT.get()


@contextmanager
def as_current(span: Span) -> Iterator[Span]:
    """Make `current_span` return this span."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        _CURRENT.reset(token)


class Tracing:
    """Begins the spans of calls. One per process; safe to share between threads."""

    is_on = False

    def callback(
        self,
        account_sid: str,  # noqa: ARG002
        callback: Callback,  # noqa: ARG002
        *,
        began: float,  # noqa: ARG002
        asked_by: str | None,  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Record a callback; the caller adds the attribute `new`. A call's first callback is the root of its trace.

        `began` is when it arrived (`time.perf_counter`), `asked_by` the request's `traceparent`.
        """
        return _NO_WORK

    def fetch(self, account_sid: str, call: OwedCall, *, sent_ms: float) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Record a request for a call's legs, sent at `sent_ms` (ms of Redis's clock), and its outcome."""
        return _NO_WORK

    def decide(self, account_sid: str, call: OwedCall, outcome: str) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Record the decision on a call."""
        return _NO_WORK

    def deliver(
        self,
        account_sid: str,  # noqa: ARG002
        sink: str,  # noqa: ARG002
        deliveries: Sequence[OwedDelivery],  # noqa: ARG002
        *,
        schedule: Sequence[float],  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Record an attempt at deliveries. The span is that of a single one; with several, none is current."""
        return _NO_WORK

    def close(self) -> None:
        """Export the remaining spans, within FLUSH_SECONDS."""


OFF = Tracing()


def addressed(url: str) -> dict[str, str | int]:
    """Return the parts of a URL that a trace may contain: scheme, host and port."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # an invalid port, or an unclosed bracket
        return {}
    return {"url__scheme": parts.scheme, "server__address": parts.hostname or "", "server__port": port}


def noted(notes: Mapping[str, str | float | bool]) -> dict[str, str | float | bool]:
    """Return attributes by their names in OpenTelemetry."""
    return {name.replace("__", "."): value for name, value in notes.items()}

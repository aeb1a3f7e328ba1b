"""What the steps say to a trace. These are the ones that record nothing, and cost nothing."""

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
    """A piece of work in a trace. No note may hold a number of a person, a secret, or a message of somebody else's."""

    def note(self, **notes: str | float | bool) -> None:
        """Note something about the work; two underscores in a name are a dot."""

    def fail(self, kind: str) -> None:
        """Say that the work failed, and of what kind the failure is: the name of an error, or an HTTP status."""

    def child(self, name: str, method: str, url: str) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Begin a request to somebody else, as a part of this work; of the URL no more than the host is noted."""
        return _NO_WORK

    def sent(self, method: str, url: str) -> None:
        """Say that this work is a request, likewise."""

    def answered(self, status: int | None) -> None:
        """Note the HTTP status of the answer, if one came."""

    def headers(self) -> dict[str, str]:
        """Return the headers that let the receiver of a request go on with the trace (W3C Trace Context)."""
        return {}


class _NoWork:
    """Gives the span that records nothing, to any number of threads."""

    def __enter__(self) -> Span:
        return NOTHING

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""


NOTHING = Span()
_NO_WORK = _NoWork()
_CURRENT: ContextVar[Span] = ContextVar("span", default=NOTHING)


def current_span() -> Span:
    """Return the span of the work that this thread does, for those who are far from where it began."""
    return _CURRENT.get()


@contextmanager
def as_current(span: Span) -> Iterator[Span]:
    """Have `current_span` return this one."""
    token = _CURRENT.set(span)
    try:
        yield span
    finally:
        _CURRENT.reset(token)


class Tracing:
    """Begins the spans of calls. One a process; safe to share between threads."""

    is_on = False

    def callback(
        self,
        account_sid: str,  # noqa: ARG002
        callback: Callback,  # noqa: ARG002
        *,
        began: float,  # noqa: ARG002
        asked_by: str | None,  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Note a callback; `new` is to be noted of the span. The first of a call is the root of its trace.

        `began` is when it arrived (`time.perf_counter`), `asked_by` the `traceparent` that came along.
        """
        return _NO_WORK

    def fetch(self, account_sid: str, call: OwedCall, *, sent_ms: float) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Ask for the legs of a call, by a request sent at this time (ms of Redis's clock), and note what comes of it."""
        return _NO_WORK

    def decide(self, account_sid: str, call: OwedCall, outcome: str) -> AbstractContextManager[Span]:  # noqa: ARG002
        """Close the books of a call."""
        return _NO_WORK

    def deliver(
        self,
        account_sid: str,  # noqa: ARG002
        sink: str,  # noqa: ARG002
        deliveries: Sequence[OwedDelivery],  # noqa: ARG002
        *,
        schedule: Sequence[float],  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Attempt some deliveries at once. The span is that of the only one; of several, none is the current one."""
        return _NO_WORK

    def close(self) -> None:
        """Export what is left, within FLUSH_SECONDS."""


OFF = Tracing()


def addressed(url: str) -> dict[str, str | int]:
    """Return what of a URL may be in a trace: the scheme, the host and the port."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:  # no port, or half a pair of brackets
        return {}
    return {"url__scheme": parts.scheme, "server__address": parts.hostname or "", "server__port": port}


def noted(notes: Mapping[str, str | float | bool]) -> dict[str, str | float | bool]:
    """Return notes by their names in OpenTelemetry."""
    return {name.replace("__", "."): value for name, value in notes.items()}

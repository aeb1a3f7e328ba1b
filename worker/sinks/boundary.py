"""Where sinks are called: whatever comes out of one, of whatever class, is a failure of that sink and of nothing else.

A sink's library may raise what none of its documents says, and a sink of somebody's own may return or raise anything.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from worker.errors import LastAnswer, LegworkError, PermanentFailure, SinkGone, Surprise, TemporaryFailure
from worker.http.waiting import LONGEST_PAUSE_SECONDS
from worker.logs import Mask
from worker.secret_masking import keeping_secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.settings import SinkSpec
    from worker.sinks.base import Record, Sink

log = structlog.get_logger(__name__)

# Some libraries put a page, or all that they were given, into a message.
_LONGEST_MESSAGE = 300


@contextmanager
def as_failures(spec: SinkSpec, *expected: type[BaseException]) -> Iterator[None]:
    """Raise `Surprise` for what comes out of a sink, but for what is `expected`.

    By default that is LegworkError, and OSError where it names a file: whoever opened it knows what would be right. Other
    OSErrors (those of requests are some) may repeat a URL. The sink's secrets are in no message of a LegworkError.
    """
    try:
        with keeping_secrets_of(spec):
            yield
    except BaseException as error:  # a library in Rust panics with a BaseException, and a script may call `sys.exit`
        is_of_a_file = isinstance(error, OSError) and error.filename is not None
        if isinstance(error, (KeyboardInterrupt, *(expected or (LegworkError,)))) or (is_of_a_file and not expected):
            raise
        raise Surprise(in_words(spec, error)) from error


def in_words(spec: SinkSpec, error: BaseException) -> str:
    """Return `Class: message`, in one short line without the sink's secrets and without phone numbers."""
    name = type(error).__name__
    try:
        message = _plain(next(iter(str(error).strip().splitlines()), ""))
    except Exception:  # noqa: BLE001  an exception that cannot even be told
        return name
    message = Mask(secrets_of_sink(spec)).text(message)[:_LONGEST_MESSAGE]
    return f"{name}: {message}" if message else name


def send_to(sink: Sink, records: list[Record]) -> str:
    """Have a sink send records; returns what the other side said.

    Raises TemporaryFailure, PermanentFailure or SinkGone and nothing else. A surprise is logged with its traceback the
    first time that it comes from a place in the code, not at each attempt.
    """
    try:
        with as_failures(sink.spec, TemporaryFailure, PermanentFailure, SinkGone):
            return _answer(sink.send(records))
    except Surprise as surprise:
        _log_once(sink, surprise)
        raise
    except (TemporaryFailure, PermanentFailure) as failure:
        tidied = _tidied(failure)
        if tidied is failure:
            raise
        raise tidied from failure
    except SinkGone as gone:
        raise SinkGone(_plain(str(gone))) from gone


def close(sink: Sink) -> None:
    """Close a sink, whatever it raises: nobody can do anything about it any more."""
    try:
        with as_failures(sink.spec, KeyboardInterrupt):
            sink.close()
    except Surprise as surprise:
        log.warning("sink.not_closed", sink=sink.name, reason=str(surprise))


def _answer(said: Any) -> str:
    if hasattr(said, "__await__") or hasattr(said, "__aiter__"):
        if hasattr(said, "close"):
            said.close()
        raise TypeError("send() returned a coroutine, so nothing was sent: it is to be a plain function")
    return _plain(str(said if said is not None else "sent"))


def _tidied(failure: TemporaryFailure | PermanentFailure) -> TemporaryFailure | PermanentFailure:
    """Return the failure as the ledger can keep it: a sink of somebody's own may have put anything into it."""
    text, answer = str(failure), failure.answer if isinstance(failure.answer, LastAnswer) else None
    if isinstance(failure, PermanentFailure):
        is_tidy = answer is failure.answer and text == _plain(text)
        return failure if is_tidy else PermanentFailure(_plain(text), answer=answer)
    asked = failure.retry_after
    # Python compares whole numbers that no float can hold.
    wait = min(asked, LONGEST_PAUSE_SECONDS) if isinstance(asked, int | float) and asked >= 0 else None
    is_tidy = answer is failure.answer and wait is asked and text == _plain(text)
    return failure if is_tidy else TemporaryFailure(_plain(text), retry_after=wait, answer=answer)


def _plain(text: str) -> str:
    """Return a text that is UTF-8: names of files may hold what is none."""
    return text.encode("utf-8", "replace").decode()


def _log_once(sink: Sink, surprise: Surprise) -> None:
    """Log a surprise with its traceback, unless one of this class has come from the same line before."""
    error = surprise.__cause__
    trace = error.__traceback__ if error else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = (type(error), trace.tb_frame.f_code.co_filename if trace else "", trace.tb_lineno if trace else 0)
    if place not in sink.surprises:
        sink.surprises.add(place)
        log.error("sink.surprised", reason=str(surprise), exc_info=error)

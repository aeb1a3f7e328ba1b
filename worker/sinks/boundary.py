"""Call sinks so that any exception from one is a failure of that sink only.

A sink's library may raise undocumented exceptions, and a custom sink may return or raise anything.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from worker.errors import LastAnswer, LegworkError, PermanentFailure, SinkGone, Surprise, TemporaryFailure
from worker.http.waiting import LONGEST_PAUSE_SECONDS
from worker.lazy_logger import LazyLogger
from worker.numbers.masking import Mask
from worker.secret_masking import keeping_secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.settings import SinkSpec
    from worker.sinks.base import Record, Sink

log = LazyLogger(__name__)

# In characters: some libraries put a page of text, or all their input, into a message.
_LONGEST_MESSAGE = 300


@contextmanager
def as_failures(spec: SinkSpec, *expected: type[BaseException]) -> Iterator[None]:
    """Raise `Surprise` for any exception from a sink that is not `expected`.

    By default LegworkError is expected, and OSError if it names a file: the code that opened the file knows what would be
    right. Other OSErrors (those of requests, for example) may repeat a URL. A LegworkError's message never holds the sink's
    secrets.
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
    except Exception:  # noqa: BLE001  an exception whose `str` fails
        return name
    message = Mask(secrets_of_sink(spec)).text(message)[:_LONGEST_MESSAGE]
    return f"{name}: {message}" if message else name


def send_to(sink: Sink, records: list[Record]) -> str:
    """Have a sink send records; return the destination's answer.

    Raises only TemporaryFailure, PermanentFailure or SinkGone. A surprise is logged with its traceback the first time
    that it comes from a line of code, not at each attempt.
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
    """Close a sink, and ignore what it raises."""
    try:
        with as_failures(sink.spec, KeyboardInterrupt):
            sink.close()
    except Surprise as surprise:
        log.warning("sink.not_closed", sink=sink.name, reason=str(surprise))


def _answer(said: Any) -> str:
    if hasattr(said, "__await__") or hasattr(said, "__aiter__"):
        if hasattr(said, "close"):
            said.close()
        raise TypeError("send() returned a coroutine, so nothing was sent: it must be a plain function")
    return _plain(str(said if said is not None else "sent"))


def _tidied(failure: TemporaryFailure | PermanentFailure) -> TemporaryFailure | PermanentFailure:
    """Return the failure with plain values that the ledger can store: a custom sink may have put anything into it."""
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
    """Return a text that can be encoded as UTF-8: file names may contain surrogates."""
    return text.encode("utf-8", "replace").decode()


def _log_once(sink: Sink, surprise: Surprise) -> None:
    """Log a surprise with its traceback, unless one of this class came from the same line before."""
    error = surprise.__cause__
    trace = error.__traceback__ if error else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = (type(error), trace.tb_frame.f_code.co_filename if trace else "", trace.tb_lineno if trace else 0)
    if place not in sink.surprises:
        sink.surprises.add(place)
        log.error("sink.surprised", reason=str(surprise), exc_info=error)

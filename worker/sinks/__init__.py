"""List the kinds of sinks, and open, check and update the configured ones."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from marshmallow import ValidationError

from worker.errors import LegworkError, Surprise
from worker.lazy_logger import LazyLogger
from worker.secret_masking import without_secrets_of
from worker.sinks.base import Sink
from worker.sinks.boundary import as_failures, close
from worker.sinks.module import own_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.settings import Settings, SinkSpec

__all__ = ["KINDS", "BadSink", "Sink", "check", "in_step", "kind_of", "open_sink", "open_sinks", "sink_for"]

log = LazyLogger(__name__)

#: Scheme of the sink's URL → path of its class, which is imported on first use.
KINDS = {
    "amqp": "worker.sinks.amqp:AmqpSink",
    "amqps": "worker.sinks.amqp:AmqpSink",
    "file": "worker.sinks.file:FileSink",
    "folder": "worker.sinks.folder:FolderSink",
    "gs": "worker.sinks.bucket:BucketSink",
    "http": "worker.sinks.http:HttpSink",
    "https": "worker.sinks.http:HttpSink",
    "kafka": "worker.sinks.kafka:KafkaSink",
    "mysql": "worker.sinks.sql:SqlSink",
    "postgresql": "worker.sinks.sql:SqlSink",
    "redis": "worker.sinks.redis_stream:RedisStreamSink",
    "rediss": "worker.sinks.redis_stream:RedisStreamSink",
    "s3": "worker.sinks.bucket:BucketSink",
    "sqlite": "worker.sinks.sql:SqlSink",
    "stdout": "worker.sinks.stdout:StdoutSink",
}


class BadSink(LegworkError):
    """Raised if a sink cannot be created from its settings; the message says what to correct."""


def kind_of(url: str) -> type[Sink]:
    """Return the class of a URL's sink. Raises ValidationError for an unknown scheme."""
    scheme = url.partition(":")[0].lower().partition("+")[0]
    if scheme in KINDS:
        module, _, name = KINDS[scheme].partition(":")
        kind: type[Sink] = getattr(import_module(module), name)
        return kind
    if "://" in url:
        raise ValidationError(
            f"there is no sink for `{scheme}:`; there are {', '.join(KINDS)}, and module:Class", "url"
        )
    return own_kind(url)


def sink_for(spec: SinkSpec) -> Sink:
    """Return the sink of a spec, not opened yet. Raises BadSink, or another LegworkError of the sink."""
    try:
        with as_failures(spec, ValidationError, LegworkError):
            return kind_of(spec.url)(spec)
    except ValidationError as error:
        problems = "; ".join(f"{field}: {' '.join(map(str, texts))}" for field, texts in _flat(error))
        raise BadSink(without_secrets_of(spec, f"sink {spec.name}: {problems}")) from error
    except Surprise as surprise:
        raise BadSink(f"sink {spec.name}: {surprise}") from surprise


def open_sink(spec: SinkSpec) -> Sink:
    """Return the opened sink of a spec. Raises LegworkError (BadSink among them) or OSError."""
    sink = sink_for(spec)
    with as_failures(spec):
        sink.open()
    return sink


def check(sink: Sink) -> str:
    """Have an open sink test its destination; return a short result. Raises LegworkError or OSError."""
    with as_failures(sink.spec):
        return str(sink.check() or "nothing to check")


def open_sinks(settings: Settings) -> dict[str, Sink]:
    """Open every sink. Raises BadSink with a line for each that cannot be created or opened."""
    sinks, problems = {}, []
    for spec in settings.sinks:
        try:
            sink = open_sink(spec)
        except (LegworkError, OSError) as error:
            problems.append(str(error) if isinstance(error, BadSink) else f"sink {spec.name}: {why_not_opened(error)}")
        else:
            sinks[spec.name] = sink
    if problems:
        raise BadSink("\n".join(problems))
    return sinks


def in_step(opened: Mapping[str, Sink], specs: Mapping[str, SinkSpec]) -> dict[str, Sink]:
    """Return the open sinks of `specs`: reuse those already open, open new ones, and close the others.

    One that cannot be opened is left out and logged; its deliveries wait.
    """
    sinks = {}
    for name, spec in specs.items():
        if name in opened and opened[name].spec == spec:
            sinks[name] = opened[name]
            continue
        try:
            sink = open_sink(spec)
        except (LegworkError, OSError) as error:
            log.error("sink.unusable", sink=name, reason=str(error), hint="its deliveries wait")
        else:
            sinks[name] = sink
            log.info("sink.opened", sink=name)
    for name, sink in opened.items():
        if sinks.get(name) is not sink:
            close(sink)
            log.info("sink.closed", sink=name)
    return sinks


def why_not_opened(error: Exception) -> str:
    """Return why a sink could not be opened; if a file is the cause, also what to do."""
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    right = "make its directory and let this user write there, or name another path"
    return f"{error.filename} cannot be opened ({error.strerror}); {right}"


def _flat(error: ValidationError) -> list[tuple[str, list[str]]]:
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    return [(str(field), texts if isinstance(texts, list) else [str(texts)]) for field, texts in messages.items()]

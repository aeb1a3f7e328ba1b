"""Where records go: the table of sinks, and how one is opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from marshmallow import ValidationError

from worker.errors import LegworkError
from worker.sinks.base import Sink

if TYPE_CHECKING:
    from schemas.settings import Settings, SinkSpec

__all__ = ["KINDS", "BadSink", "Sink", "open_sinks", "sink_for"]

#: Scheme of the sink's URL → where its class is. Imported on first use, so nobody pays for what they do not use.
KINDS = {
    "file": "worker.sinks.file:FileSink",
    "http": "worker.sinks.http:HttpSink",
    "https": "worker.sinks.http:HttpSink",
    "stdout": "worker.sinks.stdout:StdoutSink",
}


class BadSink(LegworkError):
    """Raised when a sink cannot be made from what the settings say; the message says what would be right."""


def sink_for(spec: SinkSpec) -> Sink:
    """Return the sink that a spec describes, not opened yet. Raises BadSink."""
    scheme = urlsplit(spec.url).scheme.lower()
    where = KINDS.get(scheme)
    if where is None:
        raise BadSink(f"sink {spec.name}: there is no sink for `{scheme}:`; there are {', '.join(sorted(KINDS))}")
    module, _, name = where.partition(":")
    kind: type[Sink] = getattr(import_module(module), name)
    try:
        return kind(spec)
    except ValidationError as error:
        problems = "; ".join(f"{field}: {' '.join(map(str, texts))}" for field, texts in _flat(error))
        raise BadSink(f"sink {spec.name}: {problems}") from error


def open_sinks(settings: Settings) -> dict[str, Sink]:
    """Open every sink. Raises BadSink with a line for each that cannot be made or opened."""
    sinks, problems = {}, []
    for spec in settings.sinks:
        try:
            sink = sink_for(spec)
            sink.open()
        except (LegworkError, OSError) as error:
            problems.append(str(error) if isinstance(error, BadSink) else f"sink {spec.name}: {error}")
        else:
            sinks[spec.name] = sink
    if problems:
        raise BadSink("\n".join(problems))
    return sinks


def _flat(error: ValidationError) -> list[tuple[str, list[str]]]:
    messages = error.normalized_messages()  # type: ignore[no-untyped-call]
    return [(str(field), texts if isinstance(texts, list) else [str(texts)]) for field, texts in messages.items()]

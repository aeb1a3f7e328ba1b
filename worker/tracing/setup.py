"""Turns traces on, if they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.settings import SettingsError
from worker.errors import PermanentFailure
from worker.extras import import_or_explain
from worker.tracing.environment import is_asked_for, refuse_what_is_wrong
from worker.tracing.spans import OFF, Tracing

if TYPE_CHECKING:
    from collections.abc import Mapping


def begin_tracing(environ: Mapping[str, str], service: str) -> Tracing:
    """Begin to trace in this process, as `service` unless OTEL_SERVICE_NAME says otherwise; OFF if nobody asks for it.

    To be called in the process that works: what it starts does not outlive a fork. Raises SettingsError.
    """
    if not is_asked_for(environ):
        return OFF
    look_for_the_extra(environ)
    tracing: Tracing = import_or_explain("worker.tracing.export", extra="otel").exporting(service)
    return tracing


def look_for_the_extra(environ: Mapping[str, str]) -> None:
    """Raise SettingsError if traces are asked for and cannot be had."""
    if not is_asked_for(environ):
        return
    refuse_what_is_wrong(environ)
    try:
        import_or_explain("worker.tracing.export", extra="otel")
    except PermanentFailure as error:
        hint = "or set OTEL_SDK_DISABLED=true for no traces"
        raise SettingsError([f"OTEL_EXPORTER_OTLP_ENDPOINT: asks for traces; {error}, {hint}"]) from error

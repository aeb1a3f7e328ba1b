"""Turn traces on, if the environment says so."""

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
    """Return this process's tracing, as `service` unless OTEL_SERVICE_NAME is set; OFF if traces are not turned on.

    Call it in the working process: its threads do not survive a fork. Raises SettingsError.
    """
    if not is_asked_for(environ):
        return OFF
    look_for_the_extra(environ)
    tracing: Tracing = import_or_explain("worker.tracing.export", extra="otel").exporting(service)
    return tracing


def look_for_the_extra(environ: Mapping[str, str]) -> None:
    """Raise SettingsError if traces are turned on and the libraries are missing."""
    if not is_asked_for(environ):
        return
    refuse_what_is_wrong(environ)
    try:
        import_or_explain("worker.tracing.export", extra="otel")
    except PermanentFailure as error:
        hint = "or set OTEL_SDK_DISABLED=true for no traces"
        raise SettingsError([f"OTEL_EXPORTER_OTLP_ENDPOINT: turns on traces; {error}, {hint}"]) from error

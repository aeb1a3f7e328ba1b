"""Where spans go: over OTLP, in batches, beside the work; a collector that is away or hangs delays nobody."""

from __future__ import annotations

import logging
import os
import socket
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from worker.tracing.planned_ids import PlannedIds
from worker.tracing.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

log = structlog.get_logger(__name__)

# An end may wait for so long; a web process has five seconds for all of it.
FLUSH_SECONDS = 2.0


def exporting(service: str) -> Recorder:
    """Return a recorder whose spans go where OpenTelemetry's variables say."""
    # The variables win over what is given here; the SDK would have it the other way round.
    named = {
        "service.name": service,
        "service.version": version("legwork"),
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        **OTELResourceDetector().detect().attributes,
    }
    ids = PlannedIds()
    provider = TracerProvider(resource=Resource.create(named), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Aloud(OTLPSpanExporter())))
    # The SDK says the same of each batch that does not get through; `Aloud` says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return ExportingRecorder(provider, ids)


class ExportingRecorder(Recorder):
    """A recorder that exports what is left when it is closed, and does not wait for ever."""

    def __init__(self, provider: TracerProvider, ids: PlannedIds) -> None:
        super().__init__(provider, ids)
        self._closing, self._closed = threading.Event(), threading.Event()
        # Begun now: once an interpreter ends it begins no thread any more.
        threading.Thread(target=self._close, name="traces", daemon=True).start()

    def close(self) -> None:
        """Export what is left, within FLUSH_SECONDS."""
        self._closing.set()
        self._closed.wait(FLUSH_SECONDS)

    def _close(self) -> None:
        self._closing.wait()
        super().close()
        self._closed.set()


class Aloud(SpanExporter):
    """Exports by another exporter, and logs when that stops to work and when it works again: once each."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_lost, self._lost = False, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export some spans."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._is_lost:
                log.info("traces.exported_again", lost=self._lost)
            self._is_lost, self._lost = False, 0
            return result
        if not self._is_lost:
            log.warning("traces.lost", hint="is the collector there? calls are not held up by this")
        self._is_lost = True
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """End the other one."""
        self._exporter.shutdown()

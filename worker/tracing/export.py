"""Export spans over OTLP in batches, in the background; a collector that is down or hangs delays no work."""

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

# Seconds that a shutdown may wait for the export; a web process has five for all of it.
FLUSH_SECONDS = 2.0


def exporting(service: str) -> Recorder:
    """Return a recorder that exports spans as OpenTelemetry's variables say."""
    # The variables override the values given here; in the SDK it is the other way round.
    named = {
        "service.name": service,
        "service.version": version("legwork"),
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        **OTELResourceDetector().detect().attributes,
    }
    ids = PlannedIds()
    provider = TracerProvider(resource=Resource.create(named), id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Aloud(OTLPSpanExporter())))
    # The SDK logs every failed batch; `Aloud` logs it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return ExportingRecorder(provider, ids)


class ExportingRecorder(Recorder):
    """A recorder that exports the remaining spans when it is closed, within a time limit."""

    def __init__(self, provider: TracerProvider, ids: PlannedIds) -> None:
        super().__init__(provider, ids)
        self._closing, self._closed = threading.Event(), threading.Event()
        # Started now: an interpreter that is shutting down starts no threads.
        threading.Thread(target=self._close, name="traces", daemon=True).start()

    def close(self) -> None:
        """Export the remaining spans, within FLUSH_SECONDS."""
        self._closing.set()
        self._closed.wait(FLUSH_SECONDS)

    def _close(self) -> None:
        self._closing.wait()
        super().close()
        self._closed.set()


class Aloud(SpanExporter):
    """Wraps an exporter, and logs once when it starts to fail and once when it works again."""

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
            log.warning("traces.lost", hint="is the collector running? calls are not delayed by this")
        self._is_lost = True
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Shut down the wrapped exporter."""
        self._exporter.shutdown()

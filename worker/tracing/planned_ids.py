"""Generate span ids: planned ones if set, else random."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator


class PlannedIds(RandomIdGenerator):
    """Returns planned ids if there are any, else random ones."""

    def __init__(self) -> None:
        self._plan = threading.local()

    @contextmanager
    def planned(self, trace_id: int, span_id: int | None) -> Iterator[None]:
        """Use these ids for the next span of this thread."""
        self._plan.trace_id, self._plan.span_id = trace_id, span_id
        try:
            yield
        finally:
            self._plan.trace_id = self._plan.span_id = None

    def generate_trace_id(self) -> int:
        """Return the trace id of the next root span."""
        return getattr(self._plan, "trace_id", None) or super().generate_trace_id()

    def generate_span_id(self) -> int:
        """Return the id of the next span."""
        return getattr(self._plan, "span_id", None) or super().generate_span_id()

"""Write each record to the worker's standard output, one JSON line per record."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import orjson
from marshmallow import ValidationError

from worker.errors import TemporaryFailure
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

_STDOUT = 1


class StdoutSink(Sink):
    """`stdout:`. Writes whole lines. Logs go to standard error, so the output is only records."""

    batch = 100
    _lock = threading.Lock()

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        if self.url.partition(":")[2] not in {"", "//"}:
            raise ValidationError("must be stdout: and no more", "url")

    def send(self, records: list[Record]) -> str:
        """Write the records."""
        lines = b"".join(orjson.dumps(record) + b"\n" for record in records)
        try:
            with self._lock:
                while lines:
                    lines = lines[os.write(_STDOUT, lines) :]
        except OSError as error:
            raise TemporaryFailure(f"standard output: {error.strerror}") from error
        return "written"

    def check(self) -> str:
        """Check that standard output is open."""
        os.fstat(_STDOUT)
        return "standard output is open"

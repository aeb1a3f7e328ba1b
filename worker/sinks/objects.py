"""The base of folder and bucket sinks: each record is an object with a name that never changes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from marshmallow import Schema, fields, validate

from worker.extras import import_or_explain
from worker.sinks.base import Record, Sink
from worker.sinks.days import DayZone, day_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


class Options(Schema):
    """Options of a folder or a bucket, in the URL's query or in legwork.toml."""

    format = fields.String(
        load_default="jsonl",
        validate=validate.OneOf(["jsonl", "parquet"]),
        metadata={"doc": "`jsonl`: the record as a line of JSON. `parquet`: a row, with a column for each part."},
    )
    zone = DayZone(
        "The time zone of the days, such as `Asia/Kolkata`. After a change, a record that is sent again may get another name."
    )


class ObjectSink(Sink):
    """Writes each record as a named object. Subclasses implement `put`, atomically."""

    Options = Options
    projectable = False

    def open(self) -> None:
        """Load the library that the format needs."""
        self._encode = _as_line
        if self.options["format"] == "parquet":
            self._encode = import_or_explain("worker.sinks.parquet", extra="parquet").as_parquet

    def send(self, records: list[Record]) -> str:
        """Write one record."""
        (record,) = records
        name = f"{_name(record, self.options['zone'])}.{self.options['format']}"
        self.put(name, self._encode(record))
        return name

    def put(self, name: str, data: bytes) -> None:
        """Write an object, replacing an existing one. Raises TemporaryFailure."""
        raise NotImplementedError


def _as_line(record: Record) -> bytes:
    return orjson.dumps(record) + b"\n"


def _name(record: dict[str, Any], zone: ZoneInfo) -> str:
    """Return the object's name: the day on which the call ended, and the parts of a record's id, so it never changes."""
    name, data = record["id"], record["data"]
    if record["type"].startswith("legwork.call."):
        kind = record["type"].rpartition(".")[2]
        name = f"{data['account_sid']}-{data['call_sid']}-{data['revision']}-{kind}"
    return f"day={day_of(datetime.fromisoformat(record['time']), zone)}/{quote(name, safe='')}"

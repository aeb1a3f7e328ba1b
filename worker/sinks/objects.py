"""What folders and buckets have in common: each record is an object of its own, by a name that is always the same."""

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
    """What may be said of a folder or a bucket, in the URL's query or in legwork.toml."""

    format = fields.String(
        load_default="jsonl",
        validate=validate.OneOf(["jsonl", "parquet"]),
        metadata={"doc": "`jsonl`: the record as a line of JSON. `parquet`: a row, with a column for each part."},
    )
    zone = DayZone(
        "The time zone whose days are meant, such as `Asia/Kolkata`. A change gives records that come again another name."
    )


class ObjectSink(Sink):
    """Sends a record as an object by its name. Subclasses say how to `put` it, all of it or nothing."""

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
        """Write an object, over the one that is there. Raises TemporaryFailure."""
        raise NotImplementedError


def _as_line(record: Record) -> bytes:
    return orjson.dumps(record) + b"\n"


def _name(record: dict[str, Any], zone: ZoneInfo) -> str:
    """By the day on which the call ended; the rest is what a record's id is made of too, so it never changes."""
    name, data = record["id"], record["data"]
    if record["type"].startswith("legwork.call."):
        kind = record["type"].rpartition(".")[2]
        name = f"{data['account_sid']}-{data['call_sid']}-{data['revision']}-{kind}"
    return f"day={day_of(datetime.fromisoformat(record['time']), zone)}/{quote(name, safe='')}"

"""Write a record as a Parquet file of one row, whose columns follow the record's schema."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from marshmallow import fields

from schemas.fields import Instant, Seconds
from schemas.record import CallDataSchema, EventSchema
from worker.sinks.erase_files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from worker.numbers.erasure import Eraser
    from worker.sinks.base import Record
    from worker.sinks.erase_files import Kept

_SCALARS = {
    Instant: pa.timestamp("us", tz="UTC"),
    Seconds: pa.float64(),
    fields.Float: pa.float64(),
    fields.Integer: pa.int64(),
    fields.Boolean: pa.bool_(),
}
_EVENT = {name: EventSchema().fields[name] for name in ("id", "type", "time")}
_COLUMNS: Mapping[str, fields.Field[Any]] = _EVENT | CallDataSchema().fields


def _type(field: fields.Field[Any]) -> Any:
    if isinstance(field, fields.List):
        return pa.list_(_type(field.inner))
    if isinstance(field, fields.Nested):
        return pa.struct([(name, _type(part)) for name, part in field.schema.fields.items()])
    # Text; values without a fixed structure are stored as JSON.
    return _SCALARS.get(type(field), pa.string())


def _value(field: fields.Field[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.List):
        return [_value(field.inner, item) for item in value]
    if isinstance(field, fields.Nested):
        return {name: _value(part, value.get(name)) for name, part in field.schema.fields.items()}
    if isinstance(field, Instant):
        return datetime.fromisoformat(value)
    return orjson.dumps(value).decode() if isinstance(field, fields.Dict) else value


# Declared, not inferred from the row: files with a null where others have a text must be readable together.
_SCHEMA = pa.schema([*((name, _type(field)) for name, field in _COLUMNS.items()), ("record", pa.string())])


def as_parquet(record: Record) -> bytes:
    """Return the file's bytes. The column `record` contains the whole record as JSON."""
    parts = {**record["data"], **{name: record[name] for name in _EVENT}}
    row = {name: _value(field, parts.get(name)) for name, field in _COLUMNS.items()}
    table = pa.Table.from_pylist([{**row, "record": orjson.dumps(record).decode()}], schema=_SCHEMA)
    file = pa.BufferOutputStream()
    pq.write_table(table, file, compression="zstd")
    return bytes(file.getvalue())


def erase_parquet(path: Path, eraser: Eraser, kept: Kept, *, dry_run: bool) -> None:
    """Rewrite such a file without a person's number; add the result to `kept`."""
    try:
        rows = pq.read_table(path, columns=["record"]).column("record").to_pylist()
        if len(rows) != 1:  # not written by this sink
            return
        record = orjson.loads(rows[0])
        without = eraser.of_record(record).record(record)
        if without == record:
            return
        kept.found += 1
        if not dry_run:
            with replacing(path) as target:
                target.write(as_parquet(without))
            kept.erased += 1
    except FileNotFoundError:
        return  # it was deleted meanwhile by its retention
    except (OSError, pa.ArrowException) as error:
        kept.problem = f"{path.name}: {getattr(error, 'strerror', None) or error}"

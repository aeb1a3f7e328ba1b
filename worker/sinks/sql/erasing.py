"""Erase a person's number from the tables in a SQLite file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import sqlalchemy as sa

if TYPE_CHECKING:
    from worker.numbers.erasure import Eraser
    from worker.sinks.erase_files import Kept
    from worker.sinks.sql.rows import RowWriter
    from worker.sinks.sql.tables import Tables

# Rows per batch, as many as in a batch of deliveries.
_AT_ONCE = 100
_BLOCK_BYTES, _OVERLAP_BYTES = 1024 * 1024, 64


def erase_rows(
    engine: sa.Engine, tables: Tables, rows: RowWriter, eraser: Eraser, kept: Kept, *, dry_run: bool
) -> Kept:
    """Rewrite the records with the number without it: the same record updates its rows, an older one changes nothing."""
    try:
        if not sa.inspect(engine).has_table(tables.calls.name, schema=tables.calls.schema):
            return kept
        with engine.connect() as connection:
            lines = connection.scalars(sa.select(sa.type_coerce(tables.calls.c.record, sa.Text)))
            changed = [
                orjson.loads(without) for line in lines if (without := eraser.line(line.encode())) != line.encode()
            ]
        kept.found = len(changed)
        if not dry_run and changed:
            for start in range(0, len(changed), _AT_ONCE):
                with engine.begin() as connection:
                    rows.write(connection, changed[start : start + _AT_ONCE])
            kept.erased = len(changed)
        if not dry_run and (changed or _is_left_in(Path(kept.path), eraser)):
            _sweep(engine)
    except sa.exc.SQLAlchemyError as error:
        kept.problem = str(getattr(error, "orig", None) or error)
    return kept


def _is_left_in(path: Path, eraser: Eraser) -> bool:
    """Return whether the number is still in the file's bytes, because an earlier sweep failed on a locked file."""
    for one in (path, path.with_name(f"{path.name}-wal")):
        with suppress(FileNotFoundError), one.open("rb") as file:
            before = b""
            while block := file.read(_BLOCK_BYTES):
                if eraser.may_be_in(before + block):
                    return True
                before = block[-_OVERLAP_BYTES:]
    return False


def _sweep(engine: sa.Engine) -> None:
    """Rewrite the file: deleted or overwritten data stays in a database's free pages, and in its log."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

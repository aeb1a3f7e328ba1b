"""The database of a SQL sink: its connections, and the meaning of its errors."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from worker.errors import PermanentFailure, TemporaryFailure
from worker.sinks.erase_files import Kept
from worker.sinks.sql.connecting import STATEMENT_SECONDS, engine_for
from worker.sinks.sql.erasing import erase_rows
from worker.sinks.sql.fitness import rehearse, see_that_they_fit, see_to_encoding
from worker.sinks.sql.rows import RowWriter
from worker.sinks.sql.tables import bring_up_to_date, tables_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from worker.numbers.erasure import Eraser
    from worker.sinks.base import Record

# Permanent errors besides bad data: PostgreSQL's codes for exceeded limits, MySQL's too large packet.
_TOO_MUCH, _PACKET_TOO_LARGE = "54", 1153


class Database:
    """The tables of one sink and the connections to them; safe to share between threads."""

    def __init__(self, url: str, table: str) -> None:
        """Prepare without connecting. Raises PermanentFailure if connecting could never work."""
        self._engine = engine_for(url)
        self._kind = self._engine.dialect.name
        self._tables = tables_named(table)
        self._rows = RowWriter(self._tables, self._kind)
        self._is_up_to_date = False

    def write(self, records: Sequence[Record]) -> None:
        """Write the records of calls, all or none. Raises TemporaryFailure, PermanentFailure."""
        with self._failures():
            self._see_to_tables()
            with self._engine.begin() as connection:
                if self._kind == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
                self._rows.write(connection, records)

    def erase(self, eraser: Eraser, *, dry_run: bool) -> Kept:
        """Erase a person's number from a SQLite file, if it exists."""
        path = Path(self._engine.url.database or "")
        if not path.is_file():
            return Kept(str(path), is_missing=True)
        return erase_rows(self._engine, self._tables, self._rows, eraser, Kept(str(path)), dry_run=dry_run)

    def about(self) -> str:
        """Connect, create or update the tables, and return what is there. Raises TemporaryFailure, PermanentFailure."""
        with self._failures():
            self._is_up_to_date = False
            self._see_to_tables()
            with self._engine.begin() as connection:
                see_to_encoding(connection)
                rehearse(connection, self._tables)
            version = ".".join(map(str, self._engine.dialect.server_version_info or ()))
        return f"{self._kind} {version}, tables {self._tables.calls.name} and {self._tables.legs.name} are there"

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _see_to_tables(self) -> None:
        if not self._is_up_to_date:
            bring_up_to_date(self._engine, self._tables)
            with self._engine.connect() as connection:
                see_that_they_fit(connection, self._tables)
            self._is_up_to_date = True

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            # The tables or the whole database may be gone; the next attempt checks.
            self._is_up_to_date = False
            # `str(error)` contains the statement; the driver's message is enough.
            cause = getattr(error, "orig", None) or error
            kind = PermanentFailure if _is_for_good(error, cause) else TemporaryFailure
            raise kind(_words(cause)) from error


def _is_for_good(error: sa.exc.SQLAlchemyError, cause: BaseException) -> bool:
    if isinstance(error, sa.exc.DataError | sa.exc.IntegrityError):
        return True
    return (getattr(cause, "sqlstate", None) or "").startswith(_TOO_MUCH) or _PACKET_TOO_LARGE in cause.args[:1]


def _words(cause: BaseException) -> str:
    # PostgreSQL puts the row in a second line, MySQL a number before the text.
    text = str(cause.args[-1]) if cause.args else type(cause).__name__
    return text.strip().partition("\n")[0]

"""Write each call as a row, and each of its legs, into PostgreSQL, MySQL, MariaDB or SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marshmallow import Schema, ValidationError, fields, validate

from worker.extras import import_or_explain
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.numbers.erasure import Eraser
    from worker.sinks.erase_files import Kept
    from worker.sinks.sql.database import Database

# The drivers of the extra `sql`; SQLite's comes with Python.
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql"}
# PostgreSQL cuts names off after 63 bytes; `_schema` must fit after the name.
_TABLE = r"([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,55}"


class Options(Schema):
    """Options of a SQL sink, in the URL's query or in legwork.toml."""

    table = fields.String(
        load_default="calls",
        validate=validate.Regexp(f"^{_TABLE}$", error="must be a name of up to 56 letters, digits and _"),
        metadata={
            "doc": "The table of calls, optionally with a schema: `crm.calls`. The table of legs has the suffix `_legs`."
        },
    )


class SqlSink(Sink):
    """`postgresql://user:password@host/database`, `mysql://user:password@host/database`, `sqlite:///calls.db`.

    A row per call and a row per leg, in tables that are created if missing, in one transaction per batch.
    """

    Options = Options
    batch = 100
    projectable = False
    _database: Database

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        scheme, _, rest = self.url.partition(":")
        self._driver = _DRIVERS.get(scheme.lower())
        self._full_url = f"{scheme.lower()}+{self._driver}:{rest}" if self._driver else self.url
        if scheme.lower().startswith("sqlite") and rest.partition("?")[0] in {"", "//", "///", "///:memory:"}:
            raise ValidationError("must be sqlite:///name.db, or sqlite:////absolute/name.db", "url")

    def open(self) -> None:
        """Load the libraries; it connects when there is something to write."""
        if self._driver:
            import_or_explain(self._driver, extra="sql")
        self._database = import_or_explain("worker.sinks.sql.database", extra="sql").Database(
            self._full_url, self.options["table"]
        )

    def send(self, records: list[Record]) -> str:
        """Write the records of calls. Other records, such as one about a sink, have no row and are skipped."""
        calls = [record for record in records if record["type"].startswith("legwork.call.")]
        if not calls:
            return "no call, no row"
        self._database.write(calls)
        return "written"

    def check(self) -> str:
        """Connect, and create the tables if they are missing."""
        return self._database.about()

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept] | None:
        """Rewrite the rows of a SQLite file; other databases do not count as stored on this host."""
        # The scheme may name its driver: postgresql+psycopg.
        if not self.url.lower().startswith("sqlite"):
            return None
        database = import_or_explain("worker.sinks.sql.database", extra="sql").Database(
            self._full_url, self.options["table"]
        )
        try:
            return [database.erase(eraser, dry_run=dry_run)]
        finally:
            database.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

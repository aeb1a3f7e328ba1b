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
# PostgreSQL cuts names off after 63 bytes; `_schema` has to fit behind.
_TABLE = r"([A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,55}"


class Options(Schema):
    """What may be said of a SQL sink, in the URL's query or in legwork.toml."""

    table = fields.String(
        load_default="calls",
        validate=validate.Regexp(f"^{_TABLE}$", error="is to be a name of up to 56 letters, digits and _"),
        metadata={
            "doc": "The table of calls, after a schema and a full stop if need be. The legs' has `_legs` behind."
        },
    )


class SqlSink(Sink):
    """`postgresql://user:password@host/database`, `mysql://user:password@host/database`, `sqlite:///calls.db`.

    A row a call and a row a leg, in tables that are made where they are missing, in one transaction a batch.
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
            raise ValidationError("is to be sqlite:///name.db, or sqlite:////absolute/name.db", "url")

    def open(self) -> None:
        """Load the libraries; the database is looked for when there is something to write."""
        if self._driver:
            import_or_explain(self._driver, extra="sql")
        self._database = import_or_explain("worker.sinks.sql.database", extra="sql").Database(
            self._full_url, self.options["table"]
        )

    def send(self, records: list[Record]) -> str:
        """Write the calls. What is no call, such as a record about a sink, has no row and is passed over."""
        calls = [record for record in records if record["type"].startswith("legwork.call.")]
        if not calls:
            return "no call, no row"
        self._database.write(calls)
        return "written"

    def check(self) -> str:
        """Connect, and make the tables if they are missing."""
        return self._database.about()

    def erase(self, eraser: Eraser, *, dry_run: bool) -> list[Kept] | None:
        """Rewrite the rows of a SQLite file; other databases are elsewhere, whichever host they are on."""
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

"""Define the tables of the SQL sinks, and the migrations of older ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from worker.errors import TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[[sa.Connection, "Tables"], None]

# A SID has up to 64 letters and digits. Searchable columns have a length that each database can index.
_SID, _WORD = sa.String(64), sa.String(255)
# MySQL's TEXT is limited to 64 KiB, a quarter of what one callback may contain.
_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# By default MySQL treats SIDs that differ only in case as equal.
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
# Locks, so that workers that start at the same time create the tables one after the other. Each is released with its
# transaction or, in MySQL, with its connection.
_LOCK_NAME = 64 - len("legwork ")
_LOCKS = {
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('legwork {name}'))",
    "mysql": "SELECT GET_LOCK('legwork {name}', 30)",
    "sqlite": "BEGIN IMMEDIATE",
}


class Instant(sa.types.TypeDecorator[str]):
    """A time as written in the record: PostgreSQL stores it with its zone, MySQL as UTC, SQLite as text."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column's type."""
        if dialect.name == "postgresql":
            return postgresql.TIMESTAMP(timezone=True)
        return mysql.DATETIME(fsp=6) if dialect.name == "mysql" else sa.String(32)

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Return the value in MySQL's format; the others read it unchanged."""
        return value.replace("T", " ").rstrip("Z") if value and dialect.name == "mysql" else value


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one sink: a row per call, per leg, and per migration that was run."""

    calls: sa.Table
    legs: sa.Table
    schema: sa.Table


def tables_named(name: str) -> Tables:
    """Return the tables, given the first one's name, optionally with a schema: `calls`, `crm.calls`."""
    schema, _, name = name.rpartition(".")
    metadata = sa.MetaData(schema=schema or None)
    return Tables(
        sa.Table(
            name,
            metadata,
            *_columns(_SID, "account_sid", "call_sid"),
            sa.Column("revision", sa.Integer, nullable=False),
            sa.Column("type", _WORD, nullable=False),
            sa.Column("settled", sa.Boolean, nullable=False),
            *_columns(_WORD, "direction", "status", "scenario", "exophone", "customer", "agent"),
            *_columns(Instant(), "started_at", "ended_at"),
            sa.Column("duration_seconds", sa.BigInteger),
            sa.Column("talk_seconds", sa.Double),
            sa.Column("participant_count", sa.Integer),
            sa.Column("monitored", sa.Boolean),
            *_columns(_TEXT, "custom_field", "recording_url", "digits", "reason"),
            *_since_version_2(),
            sa.Column("record", _JSON, nullable=False),
            # The call first: there are few accounts, and a search for a call has its SID.
            sa.PrimaryKeyConstraint("call_sid", "account_sid"),
            **_MYSQL,
        ),
        sa.Table(
            f"{name}_legs",
            metadata,
            *_columns(_SID, "account_sid", "call_sid"),
            *_columns(_WORD, "sid", "role", "number", "number_kind", "status", "origin", "last_action"),
            *_columns(_WORD, "exophone", "backup_exophone"),
            *_columns(_TEXT, "number_raw", "uri"),
            *_columns(Instant(), "created_at", "updated_at", "started_at", "ended_at"),
            sa.Column("on_call_seconds", sa.Double),
            sa.Column("extra", _JSON),
            sa.PrimaryKeyConstraint("call_sid", "account_sid", "sid"),
            **_MYSQL,
        ),
        sa.Table(f"{name}_schema", metadata, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)),
    )


def make_tables(connection: sa.Connection, tables: Tables) -> None:
    """Create version 1. Raises TemporaryFailure if another program's table has one of the names."""
    there = sa.inspect(connection)
    for table in (tables.calls, tables.legs):
        if not there.has_table(table.name, schema=table.schema):
            table.create(connection)
            continue
        found = {column["name"] for column in there.get_columns(table.name, schema=table.schema)}
        later = {column.name for column in _since_version_2()}
        if lacking := [column.name for column in table.columns if column.name not in found | later]:
            raise TemporaryFailure(f"{table.name} is there and lacks {', '.join(lacking)}; name another with table=")


def add_outcome(connection: sa.Connection, tables: Tables) -> None:
    """Version 2: how a call went for the customer, and the agents who were tried. In older rows these are null."""
    found = {
        column["name"] for column in sa.inspect(connection).get_columns(tables.calls.name, schema=tables.calls.schema)
    }
    table = connection.dialect.identifier_preparer.format_table(tables.calls)
    for column in _since_version_2():
        if column.name not in found:
            words = sa.schema.CreateColumn(tables.calls.columns[column.name]).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {words}")


#: The migrations, each to the next version. MySQL keeps what a failed migration has done, so each checks what exists before
#: it changes anything; a new column is added both by a migration and to the tables above.
STEPS: tuple[Step, ...] = (make_tables, add_outcome)


def bring_up_to_date(engine: sa.Engine, tables: Tables, steps: Sequence[Step] = STEPS) -> None:
    """Create or migrate the tables if needed. Raises TemporaryFailure if a newer Legwork has migrated them."""
    with engine.connect() as connection:
        if _version(connection, tables, len(steps)) == len(steps):
            return
    with engine.connect() as connection:
        connection.detach()
        # A lock's name in MySQL has up to 64 characters; if two tables share one, they only wait for each other.
        connection.exec_driver_sql(_LOCKS[engine.dialect.name].format(name=tables.schema.name[-_LOCK_NAME:]))
        tables.schema.create(connection, checkfirst=True)
        for version in range(_version(connection, tables, len(steps)), len(steps)):
            steps[version](connection, tables)
            connection.execute(tables.schema.insert(), {"version": version + 1})
        connection.commit()


def _version(connection: sa.Connection, tables: Tables, newest: int) -> int:
    if not sa.inspect(connection).has_table(tables.schema.name, schema=tables.schema.schema):
        return 0
    version = connection.scalar(sa.select(sa.func.max(tables.schema.c.version))) or 0
    if version > newest:
        raise TemporaryFailure(
            f"{tables.calls.name} is of version {version}, this Legwork knows {newest}: install a newer one"
        )
    return int(version)


def _since_version_2() -> list[sa.Column[Any]]:
    return [
        *_columns(_WORD, "outcome"),
        *_columns(Instant(), "answered_at"),
        *_columns(sa.Double(), "wait_seconds"),
        *_columns(_TEXT, "agent_raw"),
        *_columns(_JSON, "agents"),
    ]


def _columns(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]

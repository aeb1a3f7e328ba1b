"""The tables of the SQL sinks in their newest form, and the steps that bring older ones there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from worker.errors import TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step = Callable[[sa.Connection, "Tables"], None]

# A SID has up to 64 letters and digits. Whatever people look for has a length that each database can index.
_SID, _WORD = sa.String(64), sa.String(255)
# MySQL's TEXT ends at 64 KiB, a quarter of what one callback may hold.
_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# MySQL would hold SIDs that differ in the case of a letter to be the same.
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
# Workers that start at the same time make the tables one after the other. Each lock ends with its transaction or, in
# MySQL, with its connection.
_LOCK_NAME = 64 - len("legwork ")
_LOCKS = {
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('legwork {name}'))",
    "mysql": "SELECT GET_LOCK('legwork {name}', 30)",
    "sqlite": "BEGIN IMMEDIATE",
}


class Instant(sa.types.TypeDecorator[str]):
    """An instant, given as the record has it: PostgreSQL keeps it with its zone, MySQL as UTC, SQLite as it stands."""

    impl = sa.String
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Give the column's type."""
        if dialect.name == "postgresql":
            return postgresql.TIMESTAMP(timezone=True)
        return mysql.DATETIME(fsp=6) if dialect.name == "mysql" else sa.String(32)

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Write it the way MySQL reads it; the others read it as it is."""
        return value.replace("T", " ").rstrip("Z") if value and dialect.name == "mysql" else value


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one sink: a row a call, a row a leg, a row for each step that was taken."""

    calls: sa.Table
    legs: sa.Table
    schema: sa.Table


def tables_named(name: str) -> Tables:
    """Describe the tables, given the first one's name, with a schema before it perhaps: `calls`, `crm.calls`."""
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
            sa.Column("record", _JSON, nullable=False),
            # The call first: there are few accounts, and whoever looks for a call has its SID.
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
    """Version 1. Raises TemporaryFailure where a table of somebody else's has one of the names."""
    there = sa.inspect(connection)
    for table in (tables.calls, tables.legs):
        if not there.has_table(table.name, schema=table.schema):
            table.create(connection)
            continue
        found = {column["name"] for column in there.get_columns(table.name, schema=table.schema)}
        if lacking := [column.name for column in table.columns if column.name not in found]:
            raise TemporaryFailure(f"{table.name} is there and lacks {', '.join(lacking)}; name another with table=")


#: Each brings the tables from one version to the next. MySQL keeps what a failed step has done, so a step looks at what
#: is there before it changes anything; a new column is added by a step, and to the tables above.
STEPS: tuple[Step, ...] = (make_tables,)


def bring_up_to_date(engine: sa.Engine, tables: Tables, steps: Sequence[Step] = STEPS) -> None:
    """Make or change the tables where that is needed. Raises TemporaryFailure where a newer Legwork was here before."""
    with engine.connect() as connection:
        if _version(connection, tables, len(steps)) == len(steps):
            return
    with engine.connect() as connection:
        connection.detach()
        # The name of a lock in MySQL has up to 64 characters; two tables that share one wait for each other, no more.
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


def _columns(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]

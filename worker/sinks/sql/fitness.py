"""Check that existing tables can store every record, since another program may have created or changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from worker.errors import TemporaryFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.sinks.sql.tables import Tables

# MySQL's collations that compare by bytes, or by case and accents: in others two SIDs may be equal.
_EXACT = ("_bin", "_as_cs")
# PostgreSQL's encodings that store every text unchanged.
_WHOLE = {"UTF8", "SQL_ASCII"}


def see_that_they_fit(connection: sa.Connection, tables: Tables) -> None:
    """Compare the existing tables with the expected ones. Raises TemporaryFailure with everything that would lose data."""
    problems = [
        f"{table.name}: {problem}"
        for table in (tables.calls, tables.legs)
        for problem in (*_misfits(connection, table), *_mysql_misfits(connection, table))
    ]
    if problems:
        raise TemporaryFailure(f"{'; '.join(problems)}; alter the table, or name another with table=")


def rehearse(connection: sa.Connection, tables: Tables) -> None:
    """Run every write statement with no rows. Raises the errors of a read-only database or a missing right."""
    for table in (tables.calls, tables.legs):
        nothing = sa.select(*table.columns).where(sa.false())
        connection.execute(sa.insert(table).from_select(table.columns.keys(), nothing))
        connection.execute(sa.delete(table).where(sa.false()))
    connection.execute(sa.update(tables.calls).where(sa.false()).values(type=tables.calls.c.type))


def see_to_encoding(connection: sa.Connection) -> None:
    """Raise TemporaryFailure if a PostgreSQL database's encoding lacks characters."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding not in _WHOLE:
        text = f"the database is in {encoding}, which refuses texts in other scripts: make one WITH ENCODING 'UTF8'"
        raise TemporaryFailure(text)


def _misfits(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    there = sa.inspect(connection)
    key = [column.name for column in table.primary_key]
    unique: list[set[str | None]] = [
        set(there.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"])
    ]
    unique += [
        set(index["column_names"]) for index in there.get_indexes(table.name, schema=table.schema) if index["unique"]
    ]
    if set(key) not in unique:
        yield f"its key must be {', '.join(key)}"
    for found in there.get_columns(table.name, schema=table.schema):
        name, wanted = found["name"], table.columns.get(found["name"])
        if wanted is None:
            filled = found.get("default") or found.get("identity") or found.get("computed")
            if not found["nullable"] and not filled and found.get("autoincrement") is not True:
                yield f"the column {name} is unknown and must not be empty"
        elif _is_shorter(found["type"], wanted.type, connection.dialect):
            yield f"the column {name} is too short, and must be {wanted.type.compile(connection.dialect)}"


def _is_shorter(found: Any, wanted: Any, dialect: sa.Dialect) -> bool:
    if not isinstance(found, sa.String) or not isinstance(wanted, sa.String):
        return False
    if wanted.length is not None:
        return found.length is not None and found.length < wanted.length
    if dialect.name == "mysql":
        return not isinstance(found, mysql.MEDIUMTEXT | mysql.LONGTEXT)
    return found.length is not None


def _mysql_misfits(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    """Yield problems with character sets and collations: `latin1` has no Devanagari, `utf8mb3` no emoji."""
    if connection.dialect.name != "mysql":
        return
    columns = connection.execute(
        sa.text(
            "SELECT column_name, character_set_name, collation_name FROM information_schema.columns"
            " WHERE table_schema = COALESCE(:schema, DATABASE()) AND table_name = :name"
        ),
        {"schema": table.schema, "name": table.name},
    )
    for name, characters, collation in columns:
        wanted = table.columns.get(name)
        if wanted is None or characters is None:
            continue
        if characters != "utf8mb4":
            yield f"the column {name} is in {characters}, and must be in utf8mb4"
        elif wanted.primary_key and not collation.endswith(_EXACT):
            yield f"the column {name} has the collation {collation}, and must have utf8mb4_bin"

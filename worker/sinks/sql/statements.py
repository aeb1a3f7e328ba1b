"""Build the statements that write calls and legs, in each database's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from schemas.record import TYPE_UNAVAILABLE

if TYPE_CHECKING:
    from worker.sinks.sql.tables import Tables


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a batch. Parameters: `account` is an account's SID, `calls` a list of CallSids."""

    upsert_calls: sa.Executable
    #: Selects the stored rank of each call. If None, the upsert returns the CallSids that it wrote.
    held: sa.Executable | None
    delete_legs: sa.Executable
    insert_legs: sa.Executable


def statements_for(tables: Tables, dialect: str) -> Statements:
    """Return the statements for `postgresql`, `mysql` or `sqlite`."""
    calls, legs = tables.calls, tables.legs
    if dialect == "postgresql":
        written = _upsert(postgresql.insert(calls).from_select(calls.columns.keys(), _rows_of(calls)), calls)
        return Statements(
            written.returning(calls.c.call_sid),
            None,
            # One array instead of a hundred parameters: planned once, and each SID is looked up in the index.
            sa.delete(legs).where(
                _of_account(legs), legs.c.call_sid == sa.any_(sa.bindparam("calls", type_=sa.ARRAY(sa.Text)))
            ),
            sa.insert(legs).from_select(legs.columns.keys(), _rows_of(legs)),
        )
    among: Any = sa.bindparam("calls", expanding=True)
    return Statements(
        _mysql_upsert(calls) if dialect == "mysql" else _upsert(sqlite.insert(calls), calls),
        sa.select(calls.c.call_sid, calls.c.revision, calls.c.type).where(
            _of_account(calls), calls.c.call_sid.in_(among)
        ),
        sa.delete(legs).where(_of_account(legs), legs.c.call_sid.in_(among)),
        sa.insert(legs),
    )


def _rows_of(table: sa.Table) -> sa.Select[Any]:
    """Return all rows from one JSON text, the parameter `rows`: PostgreSQL parses it faster than a driver binds values."""
    columns = [sa.column(column.name, column.type) for column in table.columns]
    rows = sa.func.jsonb_to_recordset(sa.bindparam("rows", type_=postgresql.JSONB)).table_valued(*columns)
    return sa.select(rows.render_derived(name="rows", with_types=True))


def _of_account(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.account_sid == sa.bindparam("account")


def _upsert(insert: Any, calls: sa.Table) -> Any:
    new = insert.excluded
    values = {column.name: new[column.name] for column in calls.columns if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=calls.primary_key, set_=values, where=_takes_over(new, calls.c))


def _mysql_upsert(calls: sa.Table) -> sa.Insert:
    # MySQL has no WHERE here, and sees values just assigned: so the deciding columns come last.
    insert = mysql.insert(calls)
    new, old = insert.inserted, calls.c
    names = [
        column.name for column in calls.columns if not column.primary_key and column.name not in {"type", "revision"}
    ]
    values = [(name, sa.case((_takes_over(new, old), new[name]), else_=old[name])) for name in (*names, "type")]
    return insert.on_duplicate_key_update([*values, ("revision", sa.func.greatest(new.revision, old.revision))])


def _takes_over(new: Any, old: Any) -> sa.ColumnElement[bool]:
    """Return the condition for replacing the stored record: a newer one, or the same one again, which repairs the row."""
    # Literals, not parameters: PyMySQL combines rows only if the rows are the only parameters.
    unavailable: sa.ColumnElement[str] = sa.literal_column(f"'{TYPE_UNAVAILABLE}'")
    known = sa.or_(new.type != unavailable, old.type == unavailable)
    return sa.or_(new.revision > old.revision, sa.and_(new.revision == old.revision, known))

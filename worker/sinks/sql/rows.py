"""Write calls and their legs as rows; of several records of a call the newest is kept."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson

from schemas.record import TYPE_UNAVAILABLE
from worker.sinks.sql.statements import statements_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from worker.sinks.base import Record
    from worker.sinks.sql.tables import Tables

    Row = dict[str, Any]


class RowWriter:
    """Writes into the tables of one sink; safe to share between threads."""

    def __init__(self, tables: Tables, dialect: str) -> None:
        self._is_postgresql = dialect == "postgresql"
        self._statements = statements_for(tables, dialect)
        # SQLAlchemy's names are a subclass of str that JSON does not accept as a key.
        self._call_columns, self._leg_columns = (
            [str(column.name) for column in table.columns] for table in (tables.calls, tables.legs)
        )

    def write(self, connection: sa.Connection, records: Sequence[Record]) -> None:
        """Write the records of calls, within the transaction of the connection."""
        newest: dict[tuple[str, str], Record] = {}
        for record in records:
            key = (record["data"]["account_sid"], record["data"]["call_sid"])
            if key not in newest or _rank(record) >= _rank(newest[key]):
                newest[key] = _without_nul(record) if self._is_postgresql else record
        # All workers write in the same order, so that none wait for each other's rows.
        for account_sid, keys in groupby(sorted(newest), key=lambda key: key[0]):
            records_of = {call_sid: newest[account_sid, call_sid] for _, call_sid in keys}
            won = self._upsert(connection, account_sid, records_of)
            connection.execute(self._statements.delete_legs, {"account": account_sid, "calls": won})
            if legs := [row for call_sid in won for row in self._leg_rows(records_of[call_sid]["data"])]:
                connection.execute(self._statements.insert_legs, self._parameters(legs))

    def _upsert(self, connection: sa.Connection, account_sid: str, records: dict[str, Record]) -> list[str]:
        """Write the calls; return the CallSids whose record is now the stored one."""
        rows = [self._call_row(record) for record in records.values()]
        written = connection.execute(self._statements.upsert_calls, self._parameters(rows))
        if self._statements.held is None:
            return list(written.scalars())
        # The upsert has locked these rows, even unchanged ones, so what they contain now is final.
        held = connection.execute(self._statements.held, {"account": account_sid, "calls": list(records)})
        return [sid for sid, *rank in held if rank == [records[sid]["data"]["revision"], records[sid]["type"]]]

    def _parameters(self, rows: list[Row]) -> Any:
        return {"rows": rows} if self._is_postgresql else rows

    def _call_row(self, record: Record) -> Row:
        data = record["data"]
        return {name: data.get(name) for name in self._call_columns} | {"type": record["type"], "record": record}

    def _leg_rows(self, data: dict[str, Any]) -> list[Row]:
        key = {"account_sid": data["account_sid"], "call_sid": data["call_sid"]}
        # By SID: Exotel may report a leg twice.
        legs = {leg["sid"]: leg for leg in data["legs"]}
        return [{name: leg.get(name) for name in self._leg_columns} | key for leg in legs.values()]


def _rank(record: Record) -> tuple[int, bool]:
    return record["data"]["revision"], record["type"] != TYPE_UNAVAILABLE


def _without_nul(value: Any) -> Any:
    r"""Return a copy with U+0000, which PostgreSQL cannot store, replaced by U+FFFD."""
    if b"\\u0000" not in orjson.dumps(value):
        return value
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value

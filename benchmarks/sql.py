"""Measure how fast the SQL sink writes calls, compared with a bare SQLAlchemy batch upsert of the same rows.

`bare` gets prepared rows, and upserts them with two `executemany` per transaction: the calls, then the legs. The sink makes
the rows from records, keeps the higher revision, and replaces the legs of a call. Both write batches of 100 calls with two
legs each into tables of the same structure, created anew for each round. They alternate batch by batch, on one thread, and
so does which one begins. Guarantee, for new calls: at least 0.7 times the calls per second of `bare`.

    python benchmarks/sql.py [rounds]

SQLite is always measured; PostgreSQL where TEST_POSTGRESQL says, or at 127.0.0.1:5432.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from schemas.callback import load_callbacks
from schemas.legs import load_legs
from schemas.settings import SinkSpec
from worker.record.build import Provenance, build_record
from worker.sinks import sink_for
from worker.sinks.sql.tables import Tables, tables_named

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parent / "results" / "sql.json"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CALLS, BATCH = 3000, 100
POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
NOW = datetime(2026, 9, 16, 5, 50, tzinfo=UTC)
LEG = {
    "DateCreated": "2026-09-16 11:12:39",
    "DateUpdated": "2026-09-16 11:13:08",
    "AccountSid": "acme1m",
    "Status": "completed",
    "Uri": "/v1/Accounts/acme1m/Calls/legs",
}
LEGS = [
    {
        **LEG,
        "Sid": "0a1b2c3d4e5f60718293a4b5c6d71a9g",
        "Origin": "outbound",
        "PhoneNumber": "09000000001",
        "OnCallDuration": 25,
    },
    {
        **LEG,
        "Sid": "1a1b2c3d4e5f60718293a4b5c6d71a9g",
        "Origin": "outbound-dial",
        "PhoneNumber": "09000000002",
        "OnCallDuration": 9,
    },
]
CALLBACK = [("EventType", "terminal"), ("Status", "completed"), ("From", "09000000001"), ("To", "09000000002")]


def record(number: int) -> dict:
    """Return the record of an ordinary call: two legs, one callback."""
    call_sid = f"{number:032}"
    (callback,) = load_callbacks("status", [("CallSid", call_sid), *CALLBACK], received_at=NOW)
    return build_record(
        account_sid="acme1m",
        call_sid=call_sid,
        revision=1,
        settled=True,
        callbacks=[callback],
        answer=load_legs(json.dumps({"legs": LEGS}).encode(), timezone=ZoneInfo("Asia/Kolkata")),
        provenance=Provenance(NOW, 1, "0" * 64, NOW, {"settle": 120.0, "quota": 0.3, "fetch": 0.2}),
        timezone=ZoneInfo("Asia/Kolkata"),
    )


def rows(tables: Tables, found: list[dict]) -> list[tuple[list[dict], list[dict]]]:
    """Return the rows of each batch: calls and legs."""
    batches = []
    for start in range(0, CALLS, BATCH):
        calls, legs, column_names = [], [], tables.calls.columns.keys()
        for record in found[start : start + BATCH]:
            data = record["data"]
            extra = {"type": record["type"], "record": record}
            calls.append({name: data.get(name) for name in column_names} | extra)
            key = {"account_sid": data["account_sid"], "call_sid": data["call_sid"]}
            legs += [key | leg for leg in data["legs"]]
        batches.append((calls, legs))
    return batches


def upsert(table: sa.Table, dialect: str) -> sa.Insert:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    values = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)


def bare(engine: sa.Engine, tables: Tables) -> Callable[[tuple[list[dict], list[dict]]], None]:
    calls_upsert, legs_upsert = (upsert(table, engine.dialect.name) for table in (tables.calls, tables.legs))

    def write(rows_of_batch: tuple[list[dict], list[dict]]) -> None:
        calls, legs = rows_of_batch
        with engine.begin() as connection:
            connection.execute(calls_upsert, calls)
            connection.execute(legs_upsert, legs)

    return write


def measure(url: str) -> dict[str, list[float]]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    theirs, ours = tables_named("benchmark_bare"), tables_named("benchmark_sink")
    found = [record(number) for number in range(CALLS)]
    batches = {
        "bare": rows(theirs, found),
        "sink": [found[start : start + BATCH] for start in range(0, CALLS, BATCH)],
    }
    rates: dict[str, list[float]] = {"bare": [], "sink": []}
    sink = sink_for(SinkSpec(name="benchmark", url=url, options={"table": ours.calls.name}))
    sink.open()
    for number in range(ROUNDS + 1):
        for one in (theirs, ours):
            one.calls.metadata.drop_all(engine)
        theirs.calls.metadata.create_all(engine)
        sink.check()  # creates the tables
        write = {"bare": bare(engine, theirs), "sink": sink.send}
        seconds = dict.fromkeys(write, 0.0)
        for place in range(CALLS // BATCH):
            for name in sorted(write, reverse=bool(place % 2)):
                began = time.perf_counter()
                write[name](batches[name][place])
                seconds[name] += time.perf_counter() - began
        if number:  # the first round is the warm-up
            for name, spent in seconds.items():
                rates[name].append(CALLS / spent)
    with engine.connect() as connection:
        for table in (theirs.calls, ours.calls):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == CALLS
    sink.close()
    for one in (theirs, ours):
        one.calls.metadata.drop_all(engine)
    engine.dispose()
    return rates


def main() -> int:
    document: dict = {"calls_a_round": CALLS, "batch": BATCH, "rounds": ROUNDS}
    with tempfile.TemporaryDirectory() as folder:
        for name, url in {"postgresql": POSTGRESQL, "sqlite": f"sqlite:///{folder}/benchmark.db"}.items():
            try:
                rates = measure(url)
            except sa.exc.OperationalError as error:
                document[name] = {"missing": str(error.orig).splitlines()[0]}
                continue
            ratios = [ours / theirs for ours, theirs in zip(rates["sink"], rates["bare"], strict=True)]
            figures = {f"{arm}_calls_per_second": [round(rate) for rate in found] for arm, found in rates.items()}
            document[name] = figures | {
                "ratios": [round(ratio, 3) for ratio in ratios],
                "ratio": round(statistics.median(ratios), 3),
            }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    print(json.dumps(document, indent=2))
    kept = all(document[name].get("ratio", 0) >= 0.7 for name in ("postgresql", "sqlite"))
    print("kept" if kept else "NOT kept", ": at least 0.7 times the bare upsert")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

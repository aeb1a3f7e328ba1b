"""The SQL of docs/reports.md gives the rows of `legwork report`, in every database that a sink can write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import orjson
import pytest
import sqlalchemy as sa
from reporting import AGENT, CUSTOMER, SOFTPHONE, inbound, outbound

from schemas.times import write_time
from webhook.operations.reports.kinds import COLUMNS, make_report
from worker.numbers.erasure import Eraser
from worker.record.reported import reported_call

TEXT = (Path(__file__).parents[4] / "docs/reports.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in TEXT.split("### SQL: ")[1:]}
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}
ORDER = {
    "agents": ("answered", "tried"),
    "missed": ("last_missed_at",),
    "hours": ("hour",),
    "callers": ("calls",),
}
#: The span of time that stands in the statements.
SINCE, UNTIL = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
AGENTS = [AGENT, "09000000002", "1234", SOFTPHONE, "sip:AgentOne1a2b3c", ""]
CUSTOMERS = [CUSTOMER, "+919000000012", "+14155550123", "1909", "sip:door1a2b"]


def statement(report, kind):
    """The statement of a report for a database; there is exactly one."""
    blocks = re.findall(r"```sql\n-- (.*?)\n(.*?)```", SECTIONS[report], re.DOTALL)
    (found,) = [sql for databases, sql in blocks if NAMES[kind] in databases.split(", ")]
    return found


def some_calls(number=240):
    """Records of calls on the last days before, in, and after the span: plain, odd, corrected, without legs."""
    dice = Random(7)
    for place in range(number):
        at = SINCE + timedelta(seconds=dice.randrange(-2, 33) * 86_400 + dice.choice([0, 1, 19_800, 66_600, 70_000]))
        sid, customer = f"call{place:05}", dice.choice(CUSTOMERS)
        if dice.random() < 0.2:
            yield outbound(
                sid, customer, dice.choice(AGENTS[:2]), talk=dice.choice([0, 30]), at=at, wait=dice.choice([12, 200])
            )
            continue
        tried = [(agent, dice.choice([0, 0, 5, 40])) for agent in dice.sample(AGENTS, dice.randrange(4))]
        event = inbound(sid, customer, *tried, at=at, wait=dice.randrange(5, 40))
        yield event
        if dice.random() < 0.2:
            yield inbound(sid, customer, (AGENT, 9), at=at, wait=dice.randrange(5, 40), revision=2)


def of_an_earlier_version(event):
    """A record made before the outcome and the agents were told."""
    return {
        **event,
        "data": {key: event["data"][key] for key in event["data"].keys() - {"outcome", "agents", "wait_seconds"}},
    }


def ten_calls():
    """Calls of one hour of which the ninth wait is the 90th percentile, to the call."""
    at = SINCE + timedelta(hours=9)
    return [inbound(f"tenth{place:04}", CUSTOMER, (AGENT, 5), at=at, wait=60 + place) for place in range(10)]


def erased(event):
    """A record from which the agent's number was erased."""
    return orjson.loads(Eraser("+919000000001", {"acme1m": "IN"}, "IN").line(orjson.dumps(event)))


EVENTS = [
    *some_calls(),
    *ten_calls(),
    of_an_earlier_version(inbound("early00001", CUSTOMER, (AGENT, 5), at=SINCE)),
    erased(inbound("erased0001", CUSTOMER, (AGENT, 5), at=SINCE)),
]


def of_the_code(report):
    newest = {}
    for event in EVENTS:  # a later revision comes later
        newest[event["data"]["call_sid"]] = reported_call(event["data"])
    calls = [call for call in newest.values() if SINCE <= call.began_at < UNTIL]
    return make_report(report, calls, lambda _: ZoneInfo("Asia/Kolkata")).rows


@pytest.fixture(params=NAMES)
def database(request, make_web):
    found = make_web(request.param)
    sink = found.sink()
    for start in range(0, len(EVENTS), sink.batch):
        sink.send(EVENTS[start : start + sink.batch])
    sink.close()
    return found


def plain(column, value):
    """A value as the code has it: databases have types of their own for times, sums and truth."""
    if value is None:
        return None
    if column == "last_missed_at":
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return write_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if column.endswith("_since"):
        return bool(value)
    return float(value) if isinstance(value, Decimal | float) else value


@pytest.mark.parametrize("report", COLUMNS)
def test_the_statement_gives_the_rows_of_the_report(database, report):
    sql = re.sub(r"\bFROM calls\b", f"FROM {database.table}", statement(report, database.kind))
    with database.engine.connect() as connection:
        if database.kind == "postgresql":
            connection.execute(sa.text("SET TIME ZONE 'UTC'"))
        found = connection.exec_driver_sql(sql.replace("%", "%%") if database.kind != "sqlite" else sql)
        assert tuple(found.keys()) == COLUMNS[report]
        rows = [{column: plain(column, value) for column, value in row._mapping.items()} for row in found]
    expected = of_the_code(report)
    assert len(expected) > 2
    by_name = COLUMNS[report][0]
    assert sorted(rows, key=lambda row: row[by_name]) == sorted(expected, key=lambda row: row[by_name])
    # Rows that are alike in these come in each database's order of texts.
    assert [[row[key] for key in ORDER[report]] for row in rows] == [
        [row[key] for key in ORDER[report]] for row in expected
    ]


def test_each_report_has_a_statement_for_each_database_and_no_other():
    assert set(SECTIONS) == set(COLUMNS)
    for report in COLUMNS:
        named = re.findall(r"```sql\n-- (.*)", SECTIONS[report])
        assert sorted(", ".join(named).split(", ")) == ["MariaDB", "MySQL", "PostgreSQL", "SQLite"]

"""SQL sinks, against PostgreSQL, MariaDB and SQLite."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
import pytest
from factories import make_settings
from payloads.records import build, callback, legs_of
from relay import Relay
from services import MYSQL, need
from sink_contract import SinkContract, record
from sql_kit import opened

from schemas.record import CallDataSchema, LegSchema
from worker.errors import PermanentFailure, TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import BadSink, open_sinks
from worker.sinks.sql.tables import STEPS, bring_up_to_date, tables_named

KINDS = ["postgresql", "mysql", "sqlite"]
THREE = (
    ("outbound", "09000000001", "completed", 25),
    ("outbound-dial", "09000000002", "busy", 0),
    ("monitor", "x", None, 3),
)


@pytest.fixture(params=KINDS)
def database(request, make_web):
    return make_web(request.param)


@pytest.fixture
def sink(database):
    sink = database.sink()
    yield sink
    sink.close()


class SqlContract(SinkContract):
    keyed = True

    @pytest.fixture
    def arrived(self, database):
        """By key: rows have no order of their own. Before the first record there may be no table."""
        return lambda: database.records() if database.table in database.tables() else []


class TestPostgresql(SqlContract):
    @pytest.fixture
    def database(self, make_web):
        return make_web("postgresql")

    def as_kept(self, sent):
        return orjson.loads(orjson.dumps(sent).replace(b"\\u0000", "\ufffd".encode()))

    @pytest.fixture
    def unreachable(self):
        return opened(f"postgresql://root@127.0.0.1:{free_port()}/test")


class TestMysql(SqlContract):
    @pytest.fixture
    def database(self, make_web):
        return make_web("mysql")

    @pytest.fixture
    def unreachable(self):
        return opened(f"mysql://root@127.0.0.1:{free_port()}/test")


class TestSqlite(SqlContract):
    @pytest.fixture
    def database(self, make_web):
        return make_web("sqlite")

    @pytest.fixture
    def unreachable(self, tmp_path):
        return opened(f"sqlite:///{tmp_path}/no/such/folder.db")


# What stands where


def test_every_part_of_a_call_has_its_column():
    """A word that is new in the record needs a column, and a step in `STEPS`."""
    tables = tables_named("calls")
    parts = set(CallDataSchema().fields) - {"legs", "callbacks", "provenance"}
    assert set(tables.calls.columns.keys()) == parts | {"type", "record"}
    assert set(tables.legs.columns.keys()) == set(LegSchema().fields) | {"account_sid", "call_sid"}


def test_a_call_is_a_row_and_so_is_each_of_its_legs(database, sink):
    sent = build(legs_of(*THREE), [callback(CustomField="नमस्ते 🙂", Digits='"21"')], call_sid="callwith3legs")
    sink.send([sent])
    (call,) = database.query("SELECT * FROM calls")
    data = sent["data"]
    same = ["account_sid", "call_sid", "revision", "settled", "status", "scenario", "duration_seconds", "talk_seconds"]
    same += [
        "outcome",
        "wait_seconds",
        "agent_raw",
        "participant_count",
        "monitored",
        "customer",
        "agent",
        "custom_field",
        "digits",
        "direction",
        "recording_url",
    ]
    assert {name: call[name] for name in same} == {name: data[name] for name in same}
    assert call["type"] == "legwork.call.completed"
    assert call["reason"] is None
    agents = call["agents"] if database.kind == "postgresql" else orjson.loads(call["agents"])
    assert agents == data["agents"]
    legs = database.legs()
    assert [leg["sid"] for leg in legs] == ["leg0", "leg1", "leg2"]
    same = ["role", "number", "number_raw", "number_kind", "status", "origin", "on_call_seconds", "uri"]
    assert [{name: leg[name] for name in same} for leg in legs] == [
        {name: leg[name] for name in same} for leg in data["legs"]
    ]


def test_instants_are_what_they_were(database, sink):
    """PostgreSQL gives back an instant, MySQL one without a zone, in UTC, SQLite the text of the record."""
    sink.send([build(legs_of({"Sid": "leg0", "Origin": "inbound", "DateCreated": "2026-09-16 11:12:39.5+05:30"}))])
    (call,) = database.query("SELECT started_at, ended_at FROM calls")
    (leg,) = database.query("SELECT created_at, ended_at FROM calls_legs")
    instant = datetime(2026, 9, 16, 5, 42, 39, 500_000, tzinfo=UTC)
    expected = {"postgresql": instant, "mysql": instant.replace(tzinfo=None), "sqlite": "2026-09-16T05:42:39.500000Z"}
    assert call["started_at"] == leg["created_at"] == expected[database.kind]
    assert leg["ended_at"] is None


def test_what_postgresql_cannot_hold_is_replaced_in_columns_too(make_web):
    database = make_web("postgresql")
    sink = database.sink()
    sink.send([record(CustomField="a\0b", **{"odd\0key": r"not \u0000 but its spelling"})])
    sink.close()
    (call,) = database.query("SELECT custom_field, record->'data'->'callbacks'->0->'params' AS params FROM calls")
    assert call["custom_field"] == "a\ufffdb"
    assert call["params"]["odd\ufffdkey"] == r"not \u0000 but its spelling"


# Which record stays


def revised(revision, *legs, **changes):
    return build(legs_of(*legs), [callback()], call_sid="callrevised", revision=revision, **changes)


def given_up(revision=1):
    return build(None, [callback()], call_sid="callrevised", revision=revision, reason="Exotel knows no such call")


def test_a_higher_revision_wins_whatever_comes_first(database, sink):
    first, second = revised(1, *THREE[:2]), revised(2, *THREE)
    sink.send([first])
    assert (database.records(), len(database.legs())) == ([first], 2)
    for batch in ([second], [first], [second, first], [first, second]):
        sink.send(batch)
        assert (database.records(), len(database.legs())) == ([second], 3)


def test_legs_are_replaced_with_their_call(database, sink):
    sink.send([revised(1, *THREE), record(2)])
    sink.send([revised(2, THREE[0])])
    sink.send([revised(1, *THREE)])
    assert [(leg["call_sid"], leg["sid"]) for leg in database.legs()] == [
        ("call0002", "leg0"),
        ("call0002", "leg1"),
        ("callrevised", "leg0"),
    ]


def test_a_call_that_was_given_up_is_a_row_without_a_status(database, sink):
    sink.send([given_up()])
    (call,) = database.query("SELECT type, status, reason, settled FROM calls")
    assert (call["type"], call["status"]) == ("legwork.call.unavailable", None)
    assert call["reason"] == "Exotel knows no such call"
    assert database.legs() == []


@pytest.mark.parametrize("order", ["one by one", "in a batch"])
def test_giving_up_never_takes_the_place_of_knowing(database, sink, order):
    known, unknown = revised(1, *THREE), given_up()
    batches = [[unknown], [known], [unknown]] if order == "one by one" else [[unknown, known, unknown]]
    for batch in batches:
        sink.send(batch)
    assert database.records() == [known]
    assert len(database.legs()) == 3
    sink.send([given_up(revision=2)])
    assert [kept["type"] for kept in database.records()] == ["legwork.call.unavailable"]
    assert database.legs() == []


def test_a_record_that_is_sent_again_mends_what_was_done_to_its_rows(database, sink):
    sink.send([record()])
    database.query("DELETE FROM calls_legs")
    database.query("UPDATE calls SET status = 'spoilt'")
    sink.send([record()])
    assert database.query("SELECT status FROM calls") == [{"status": record()["data"]["status"]}]
    assert len(database.legs()) == 2


def test_the_same_call_of_another_account_is_another_call(database, sink):
    ours, theirs = record(), build(legs_of(*THREE), call_sid="call0001", account_sid="acme2m")
    sink.send([ours, theirs])
    assert database.records() == [ours, theirs]
    assert len(database.legs()) == 5


def test_sids_that_differ_in_the_case_of_a_letter_are_different(database, sink):
    sink.send([build(legs_of(THREE[0]), call_sid=sid) for sid in ("callaaaa", "callAAAA")])
    assert len(database.records()) == len(database.legs()) == 2


def test_a_leg_that_is_told_twice_is_one_row(database, sink):
    twice = {"Sid": "leg0", "Origin": "inbound", "Status": "busy"}
    sink.send([build(legs_of(twice, {**twice, "Status": "completed"}))])
    assert [leg["status"] for leg in database.legs()] == ["completed"]


def test_a_record_that_is_about_no_call_has_no_row(database, sink):
    about = {"id": "evt_1", "type": "legwork.operator.sink", "data": {"sink": "crm"}}
    assert sink.send([about]) == "no call, no row"
    sink.send([about, record()])
    assert database.records() == [record()]


# When something is wrong


def test_a_record_that_is_too_long_for_a_column_is_refused_and_nothing_of_its_batch_stays(make_web):
    """`deliver` then sends them one by one, so that its neighbours arrive."""
    for kind in ("postgresql", "mysql"):
        database = make_web(kind)
        sink = database.sink()
        long = record(2)
        long["data"]["status"] = "x" * 256
        for batch in ([record(1), long, record(3)], [long]):
            with pytest.raises(PermanentFailure, match=r"(?i)too long"):
                sink.send(batch)
        assert database.records() == []
        sink.send([record(1), record(3)])
        sink.close()
        assert len(database.records()) == 2


def test_no_failure_shows_what_was_to_be_written(database, sink):
    long = record(CustomField="a-secret-of-the-caller")
    long["data"]["revision"] = None
    with pytest.raises(PermanentFailure) as caught:
        sink.send([long])
    assert "a-secret-of-the-caller" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_writers_of_the_same_calls_do_not_trip_over_each_other(database):
    """In any order: whoever locks rows in another order than the others ends in a deadlock."""
    sinks = [database.sink() for _ in range(4)]
    failures = []

    def write(number):
        calls = [record(call) for call in range(30)]
        for turn in range(6):
            batch = calls[turn:] + calls[:turn] if number % 2 else calls[::-1]
            try:
                sinks[number].send(batch)
            except TemporaryFailure as failure:
                failures.append(str(failure))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in sinks:
        one.close()
    assert failures == []
    assert len(database.records()) == 30
    assert len(database.legs()) == 60


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_that_ended_our_connections_costs_no_attempt(make_web, kind):
    database = make_web(kind)
    parts = urlsplit(database.url)
    with Relay(parts.hostname, parts.port) as relay:
        sink = opened(f"{kind}://root@127.0.0.1:{relay.port}/test?table={database.table}")
        sink.send([record(1)])
        connections = relay.connections
        relay.cut()
        sink.send([record(2)])
        assert relay.connections > connections
        sink.close()
    assert len(database.records()) == 2


def test_tables_that_are_dropped_under_way_are_made_again(database, sink):
    sink.send([record(1)])
    database.query("DROP TABLE calls")
    database.query("DROP TABLE calls_legs")
    database.query("DROP TABLE calls_schema")
    with pytest.raises(TemporaryFailure):
        sink.send([record(2)])
    sink.send([record(2)])
    assert database.records() == [record(2)]


# The tables


def test_check_makes_the_tables_and_says_where(database, sink):
    assert database.kind in sink.check()
    assert database.tables() == [database.table, f"{database.table}_legs", f"{database.table}_schema"]
    assert len(database.query("SELECT version FROM calls_schema")) == len(STEPS)


def test_workers_that_start_at_once_make_the_tables_once(database):
    sinks = [database.sink() for _ in range(5)]
    failures = []

    def write(number):
        try:
            sinks[number].send([record(number)])
        except TemporaryFailure as failure:
            failures.append(str(failure))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in sinks:
        one.close()
    assert failures == []
    assert len(database.records()) == 5


def test_older_tables_are_brought_up_to_date_a_step_a_version(database, sink):
    sink.send([record()])

    def add_a_column(connection, tables):
        connection.exec_driver_sql(f"ALTER TABLE {tables.calls.name} ADD COLUMN colour VARCHAR(9)")

    for _ in range(2):
        bring_up_to_date(database.engine, tables_named(database.table), (*STEPS, add_a_column))
    versions = [row["version"] for row in database.query("SELECT version FROM calls_schema ORDER BY version")]
    assert versions == list(range(1, len(STEPS) + 2))
    assert database.query("SELECT colour FROM calls") == [{"colour": None}]


@pytest.mark.parametrize("done", [(), ("outcome", "answered_at")], ids=["none", "half of it"])
def test_tables_of_version_1_gain_the_columns_of_version_2(database, sink, done):
    """MySQL keeps what a step has done before it failed, so the step may find half of its work done."""
    sink.send([record(1)])
    for column in ("outcome", "answered_at", "wait_seconds", "agent_raw", "agents"):
        if column not in done:
            database.query(f"ALTER TABLE calls DROP COLUMN {column}")
    database.query("DELETE FROM calls_schema WHERE version > 1")
    upgraded = database.sink()
    answered = legs_of(("inbound", "09000000011", "completed", 40), ("outbound-dial", "09000000001", "completed", 20))
    upgraded.send([build(answered, call_sid="call0002")])
    upgraded.close()
    outcomes = {row["call_sid"]: row["outcome"] for row in database.query("SELECT call_sid, outcome FROM calls")}
    assert outcomes == {"call0001": None, "call0002": "answered"}


def test_a_step_that_fails_is_taken_again(database):
    tables, calls = tables_named(database.table), []

    def fail_once(connection, tables):
        calls.append(tables)
        if len(calls) == 1:
            raise TemporaryFailure("not now")

    with pytest.raises(TemporaryFailure, match="not now"):
        bring_up_to_date(database.engine, tables, (*STEPS, fail_once))
    bring_up_to_date(database.engine, tables, (*STEPS, fail_once))
    assert len(database.query("SELECT version FROM calls_schema")) == len(STEPS) + 1


def test_tables_of_a_newer_legwork_are_left_alone(database, sink):
    sink.send([record(1)])
    database.query("INSERT INTO calls_schema VALUES (7)")
    newcomer = database.sink()
    for attempt in (lambda: newcomer.send([record(2)]), newcomer.check):
        with pytest.raises(
            TemporaryFailure, match=f"is of version 7, this Legwork knows {len(STEPS)}: install a newer one"
        ):
            attempt()
    newcomer.close()
    assert len(database.records()) == 1


def test_a_table_of_somebody_else_is_left_alone(database, sink):
    database.query("CREATE TABLE calls (call_sid VARCHAR(9), colour VARCHAR(9))")
    with pytest.raises(TemporaryFailure, match=r"is there and lacks account_sid, .*; name another with table="):
        sink.send([record()])


def test_a_table_may_be_in_a_schema_of_its_own(make_web):
    database = make_web("postgresql")
    schema = f"legwork_{uuid.uuid4().hex[:8]}"
    database.query(f"CREATE SCHEMA {schema}")
    try:
        sink = opened(database.url, table=f"{schema}.acme")
        sink.send([record()])
        sink.close()
        assert len(database.query(f"SELECT * FROM {schema}.acme_legs")) == 2
    finally:
        database.query(f"DROP SCHEMA {schema} CASCADE")


# The URL


def test_what_the_query_holds_besides_is_the_drivers(make_web):
    database = make_web("postgresql")
    sink = opened(f"{database.url}?table={database.table}&application_name=somebody&options=-csearch_path%3Dpublic")
    sink.send([record()])
    assert database.query("SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'somebody'") == [
        {"n": 1}
    ]
    sink.close()


def test_a_driver_may_be_named(make_web):
    database = make_web("mysql")
    sink = opened(database.url.replace("mysql:", "mysql+pymysql:"), table=database.table)
    sink.send([record()])
    sink.close()
    assert database.records() == [record()]


def test_a_wrong_password_is_temporary_and_shows_nothing_of_it():
    need(MYSQL)
    sink = opened(MYSQL.replace("root@", "nobody:hunter2-hunter2@"))
    with pytest.raises(TemporaryFailure, match="Access denied") as caught:
        sink.send([record()])
    sink.close()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite://", "must be sqlite:///name.db"),
        ("sqlite:///:memory:", "must be sqlite:///name.db"),
        ("sqlite:///x.db?table=two%20words", "table: must be a name of up to 56 letters, digits and _"),
        ("sqlite:///x.db?table=a.b.c", "table: must be a name"),
        ("postgresql+nosuchdriver://host/x", "cannot connect by this URL: .*nosuchdriver"),
    ],
)
def test_what_cannot_be_a_database_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))

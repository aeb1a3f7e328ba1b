"""Tables that somebody else has made or changed: `check` says what would lose a record, and until then none is given up."""

from __future__ import annotations

import uuid

import pytest
from sink_contract import record
from sql_kit import opened

from worker.errors import TemporaryFailure


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        (
            "mysql",
            "MODIFY custom_field MEDIUMTEXT CHARACTER SET latin1",
            "custom_field is in latin1, and must be in utf8mb4",
        ),
        ("mysql", "MODIFY status VARCHAR(255) CHARACTER SET utf8mb3", "status is in utf8mb3"),
        (
            "mysql",
            "MODIFY call_sid VARCHAR(64) COLLATE utf8mb4_general_ci",
            "collation utf8mb4_general_ci, and must have",
        ),
        (
            "mysql",
            "MODIFY custom_field TEXT CHARACTER SET utf8mb4",
            "custom_field is too short, and must be MEDIUMTEXT",
        ),
        ("mysql", "MODIFY status VARCHAR(9) CHARACTER SET utf8mb4", "status is too short, and must be VARCHAR(255)"),
        ("mysql", "ADD colour INT NOT NULL", "the column colour is unknown and must not be empty"),
        ("mysql", "DROP PRIMARY KEY", "its key must be call_sid, account_sid"),
        ("postgresql", "ALTER status TYPE VARCHAR(9)", "status is too short, and must be VARCHAR(255)"),
        ("postgresql", "ALTER custom_field TYPE VARCHAR(255)", "custom_field is too short, and must be TEXT"),
        ("postgresql", "ADD colour INT NOT NULL", "the column colour is unknown and must not be empty"),
        ("postgresql", "DROP CONSTRAINT calls_pkey", "its key must be call_sid, account_sid"),
        ("sqlite", "ADD colour INT NOT NULL DEFAULT 7", None),
        ("mysql", "ADD colour INT NOT NULL DEFAULT 7", None),
        ("postgresql", "ADD colour INT GENERATED ALWAYS AS IDENTITY", None),
        ("postgresql", "ALTER status TYPE TEXT", None),
        ("mysql", "MODIFY status MEDIUMTEXT", None),
    ],
)
def test_a_table_that_cannot_hold_everything_is_told(make_web, kind, change, problem):
    database = make_web(kind)
    sink = database.sink()
    sink.check()
    database.query(f"ALTER TABLE calls {change}")
    if problem is None:
        sink.check()
        sink.send([record()])
        assert len(database.records()) == 1
    else:
        newcomer = database.sink()
        for attempt in (newcomer.check, lambda: newcomer.send([record()])):
            with pytest.raises(TemporaryFailure, match="alter the table, or name another with table=") as caught:
                attempt()
            assert problem in str(caught.value)
        newcomer.close()
    sink.close()


def test_a_check_finds_out_that_the_right_to_write_is_missing(make_web):
    """It looked at the tables only, and said that all was well."""
    database = make_web("postgresql")
    database.make_tables()
    role = f"legwork_{uuid.uuid4().hex[:8]}"
    database.query(f"CREATE ROLE {role} LOGIN")
    try:
        for name in ("calls", "calls_legs", "calls_schema"):
            database.query(f"GRANT SELECT, INSERT ON {name} TO {role}")
        sink = opened(database.url.replace("//root@", f"//{role}@"), table=database.table)
        with pytest.raises(TemporaryFailure, match="permission denied"):
            sink.check()
        sink.close()
    finally:
        for name in ("calls", "calls_legs", "calls_schema"):
            database.query(f"REVOKE ALL ON {name} FROM {role}")
        database.query(f"DROP ROLE {role}")


def test_a_check_finds_out_that_nothing_can_be_written(make_web):
    database = make_web("mysql")
    database.make_tables()
    sink = opened(f"{database.url}?table={database.table}&init_command=SET%20SESSION%20TRANSACTION%20READ%20ONLY")
    with pytest.raises(TemporaryFailure, match="READ ONLY transaction"):
        sink.check()
    sink.close()


def test_the_longest_name_of_a_table_is_short_enough_for_all_that_is_made_of_it(make_web):
    for kind in ("postgresql", "mysql", "sqlite"):
        database = make_web(kind)
        database.table += "_" * (56 - len(database.table))
        sink = database.sink()
        sink.send([record()])
        assert "are there" in sink.check()
        sink.close()
        assert len(database.records()) == 1

"""Tables that somebody else has made or changed: `check` says what would lose a record, and until then none is given up."""

from __future__ import annotations

import uuid

import pytest
from sink_contract import record
from sql_web import opened

from worker.errors import TemporaryFailure


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        (
            "mysql",
            "MODIFY custom_field MEDIUMTEXT CHARACTER SET latin1",
            "custom_field is in latin1, and is to be in utf8mb4",
        ),
        ("mysql", "MODIFY status VARCHAR(255) CHARACTER SET utf8mb3", "status is in utf8mb3"),
        (
            "mysql",
            "MODIFY call_sid VARCHAR(64) COLLATE utf8mb4_general_ci",
            "collation utf8mb4_general_ci, and is to have",
        ),
        (
            "mysql",
            "MODIFY custom_field TEXT CHARACTER SET utf8mb4",
            "custom_field is too short, and is to be MEDIUMTEXT",
        ),
        ("mysql", "MODIFY status VARCHAR(9) CHARACTER SET utf8mb4", "status is too short, and is to be VARCHAR(255)"),
        ("mysql", "ADD colour INT NOT NULL", "the column colour is none of ours and must not be empty"),
        ("mysql", "DROP PRIMARY KEY", "its key is to be call_sid, account_sid"),
        ("postgresql", "ALTER status TYPE VARCHAR(9)", "status is too short, and is to be VARCHAR(255)"),
        ("postgresql", "ALTER custom_field TYPE VARCHAR(255)", "custom_field is too short, and is to be TEXT"),
        ("postgresql", "ADD colour INT NOT NULL", "the column colour is none of ours and must not be empty"),
        ("postgresql", "DROP CONSTRAINT calls_pkey", "its key is to be call_sid, account_sid"),
        ("sqlite", "ADD colour INT NOT NULL DEFAULT 7", None),
        ("mysql", "ADD colour INT NOT NULL DEFAULT 7", None),
        ("postgresql", "ADD colour INT GENERATED ALWAYS AS IDENTITY", None),
        ("postgresql", "ALTER status TYPE TEXT", None),
        ("mysql", "MODIFY status MEDIUMTEXT", None),
    ],
)
def test_a_table_that_cannot_hold_everything_is_told(make_web, kind, change, problem):
    web = make_web(kind)
    sink = web.sink()
    sink.check()
    web.query(f"ALTER TABLE calls {change}")
    if problem is None:
        sink.check()
        sink.send([record()])
        assert len(web.records()) == 1
    else:
        newcomer = web.sink()
        for attempt in (newcomer.check, lambda: newcomer.send([record()])):
            with pytest.raises(TemporaryFailure, match="alter the table, or name another with table=") as caught:
                attempt()
            assert problem in str(caught.value)
        newcomer.close()
    sink.close()


def test_a_check_finds_out_that_the_right_to_write_is_missing(make_web):
    """It looked at the tables only, and said that all was well."""
    web = make_web("postgresql")
    web.make_tables()
    role = f"legwork_{uuid.uuid4().hex[:8]}"
    web.query(f"CREATE ROLE {role} LOGIN")
    try:
        for name in ("calls", "calls_legs", "calls_schema"):
            web.query(f"GRANT SELECT, INSERT ON {name} TO {role}")
        sink = opened(web.url.replace("//root@", f"//{role}@"), table=web.table)
        with pytest.raises(TemporaryFailure, match="permission denied"):
            sink.check()
        sink.close()
    finally:
        for name in ("calls", "calls_legs", "calls_schema"):
            web.query(f"REVOKE ALL ON {name} FROM {role}")
        web.query(f"DROP ROLE {role}")


def test_a_check_finds_out_that_nothing_can_be_written(make_web):
    web = make_web("mysql")
    web.make_tables()
    sink = opened(f"{web.url}?table={web.table}&init_command=SET%20SESSION%20TRANSACTION%20READ%20ONLY")
    with pytest.raises(TemporaryFailure, match="READ ONLY transaction"):
        sink.check()
    sink.close()


def test_the_longest_name_of_a_table_is_short_enough_for_all_that_is_made_of_it(make_web):
    for kind in ("postgresql", "mysql", "sqlite"):
        web = make_web(kind)
        web.table += "_" * (56 - len(web.table))
        sink = web.sink()
        sink.send([record()])
        assert "are there" in sink.check()
        sink.close()
        assert len(web.records()) == 1

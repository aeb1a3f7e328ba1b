"""Tables fit the terminal: one line per row, none longer than the terminal; in a pipe nothing is cut."""

from __future__ import annotations

import re

import pytest
from cli_kit import ENVIRON, run, settle
from factories import ACCOUNT, make_callback
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import load_settings
from webhook.cli.columns import Column, fit
from worker.connections import connect
from worker.ledger import Ledger

LONG = "an answer of the sink with many words, such as a page of HTML has, and no end in sight\nand a second line"
SIDS = [f"{number:032x}" for number in range(1, 5)]
SINKS = """
[[sinks]]
name = "crm-of-the-customers-in-the-south"
url = "https://hooks.example.com/a/long/path/that/nobody/can/see/whole?and=more"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

[[sinks]]
name = "lake"
url = "stdout:"
"""
# Each command, the first heading of each of its tables, and how many rows the table has.
TABLES = {
    "status": {"calls": 1, "account": 1, "sink": 2},
    "calls list": {"began": 4},
    "dead list": {"count": 1, "call": 2},
    "sinks list": {"sink": 2},
    "replay --since 1h --dry-run": {"sink": 2},
    "token list": {"token": 1},
}


@pytest.fixture
def busy(redis_url, tmp_path):
    """A ledger with calls in each state, a suspended account, and sinks with long names; `run` in its folder."""
    (tmp_path / "legwork.toml").write_text(SINKS)
    settings = load_settings({**ENVIRON, "REDIS_URL": redis_url, "SINKS": ""}, directory=tmp_path)
    ledger = Ledger(connect(settings), settings)
    ledger.open()
    book = ledger.calls[ACCOUNT]
    settle(ledger, SIDS[0])
    for sid in SIDS[1:3]:
        settle(ledger, sid, "dead", LONG)
    book.admit(make_callback(SIDS[3]), wait_seconds=5000)
    book.bucket.suspend(LONG)
    ledger.disable_sink("lake", LONG)

    def shown(command, **environ):
        result = run(*command.split(), redis_url=redis_url, directory=tmp_path, sinks="", **environ)
        # 1: `status` has errors to tell of.
        assert result.exit_code == int(command.startswith("status")), result.output
        return result.stdout.splitlines()

    shown("token create the-data-platform-of-the-customers-in-the-south --scope read --expires 90d")
    return shown


def table_of(lines, heading):
    """The lines of the table whose first heading this is, without its rule."""
    rules = [at for at, line in enumerate(lines) if set(line.strip()) == {"─"}]
    (top,) = [at - 1 for at in rules if lines[at - 1].split()[0] == heading]
    end = next((at for at in range(top, len(lines)) if not lines[at].strip()), len(lines))
    return [lines[top], *lines[top + 2 : end]]


@pytest.mark.parametrize("columns", ["60", "80", "120"])
@pytest.mark.parametrize("command", TABLES)
def test_a_table_has_one_line_for_each_row_and_none_is_longer_than_the_terminal(busy, command, columns):
    lines = busy(command, columns=columns)
    for heading, rows in TABLES[command].items():
        table = table_of(lines, heading)
        assert len(table) == 1 + rows, "\n".join(lines)
        assert max(map(len, table)) <= int(columns)


@pytest.mark.parametrize("command", TABLES)
def test_in_a_pipe_nothing_of_a_table_is_cut(busy, command):
    lines = busy(command)
    for heading, rows in TABLES[command].items():
        table = table_of(lines, heading)
        assert len(table) == 1 + rows
        # A masked number begins so.
        assert not [line for line in table if re.search(r"…(?!\d{4}\b)", line)]


@pytest.mark.parametrize("columns", ["60", "80"])
def test_a_call_keeps_its_whole_name_in_a_narrow_list_of_failures(busy, columns):
    lines = busy("dead list", columns=columns)
    assert [line for line in lines if SIDS[1] in line], "\n".join(lines)


@pytest.mark.parametrize("columns", ["60", "80"])
def test_a_call_keeps_enough_of_its_name_in_a_narrow_list_to_be_shown_by_it(busy, columns):
    assert len([line for line in busy("calls list", columns=columns) if f"{SIDS[0][:8]}" in line]) == len(SIDS)


def test_a_list_tells_how_long_ago_a_call_failed_and_why(busy):
    table = "\n".join(table_of(busy("calls list"), "began"))
    assert re.search(r"failed \d+ (s|min) ago: an answer", table)


COLUMNS = st.builds(Column, st.just("x"), least=st.none() | st.integers(1, 30), drop=st.none() | st.integers(1, 3))


@given(st.lists(st.tuples(COLUMNS, st.integers(1, 90)), min_size=1, max_size=7), st.integers(30, 200))
def test_a_table_is_never_wider_than_the_terminal_and_nothing_gives_way_where_all_fits(given_columns, width):
    columns, natural = [column for column, _ in given_columns], [wide for _, wide in given_columns]
    widths = fit(columns, natural, width)
    gaps = 2 * (len(widths) - 1) + 2
    if widths:
        assert sum(widths.values()) + gaps <= width
    if sum(natural) + 2 * (len(natural) - 1) + 2 <= width:
        assert widths == dict(enumerate(natural))
    assert {at for at, column in enumerate(columns) if column.drop is None} <= set(widths)

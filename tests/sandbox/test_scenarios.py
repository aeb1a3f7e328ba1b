"""The table of scenarios, its page in the docs, and the walls of this room."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sandbox
from sandbox.__main__ import main
from sandbox.answers import ANSWERS
from sandbox.faults import KINDS
from sandbox.scenarios import BY_NAME, SCENARIOS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text()
ROOM = Path(sandbox.__file__).parent


def rows(heading):
    """The cells of the table under a heading of the page."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_page_lists_exactly_the_scenarios_of_the_table():
    assert rows("Scenarios") == [
        [f"`{entry.code:02d}`", f"`{entry.name}`", "in" if entry.inbound else "out", entry.does]
        for entry in SCENARIOS.values()
    ]


def test_the_page_lists_exactly_the_faults():
    assert rows("Faults") == [[f"`{name}`", does] for name, does in KINDS.items()]


def test_the_page_lists_exactly_the_options_with_their_variables():
    documented = {row[0]: set(re.findall(r"`([A-Z_]+)`", row[1])) for row in rows("Settings")}
    assert documented == {f"`{option.opts[0]}`": set(option.envvar) for option in main.params if option.envvar}


def test_the_example_of_the_page_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/sandbox.md", "exec"), {})


def test_codes_are_two_digits_and_names_are_told_apart():
    assert len(BY_NAME) == len(SCENARIOS)
    assert all(0 < code < 100 for code in SCENARIOS)
    assert list(SCENARIOS) == sorted(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_a_scenario_hangs_together(scenario):
    assert {*scenario.reads, scenario.then} <= set(ANSWERS)
    # The caller hears everything: no callee talks while the caller is not on the line.
    caller = scenario.legs[0]
    for leg in scenario.legs[1:]:
        assert leg.after >= caller.answered_after
        assert leg.over_after <= caller.over_after
    assert all(leg.talks == 0 for leg in scenario.legs if leg.status not in ("completed", "parked"))
    # Exotel has no StatusCallback for inbound calls.
    assert not (scenario.inbound and any(post.url == "status" for post in scenario.posts))


def test_the_sandbox_imports_none_of_the_other_packages():
    for path in ROOM.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module]
            assert not {name.split(".")[0] for name in names} & {"schemas", "worker", "webhook"}, path

"""Imports point down only: webhook, worker, schemas; the sandbox and the outermost tests stand apart."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"schemas", "worker", "webhook", "sandbox"}
BELOW = {
    "webhook": {"webhook", "worker", "schemas"},
    "worker": {"worker", "schemas"},
    "schemas": {"schemas"},
    "sandbox": {"sandbox"},
    "tests/end_to_end": set(),
}


def imports_of(path):
    """The first words of all that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def imported_in(room):
    """Each import in a room, as the file and the first word."""
    return {(str(path.relative_to(ROOT)), name) for path in (ROOT / room).rglob("*.py") for name in imports_of(path)}


@pytest.mark.parametrize("room", BELOW)
def test_imports_point_down_only(room):
    upward = {(path, name) for path, name in imported_in(room) if name in ROOMS - BELOW[room]}
    assert not upward


def test_schemas_need_marshmallow_and_little_else():
    foreign = {(path, name) for path, name in imported_in("schemas") if name not in sys.stdlib_module_names}
    assert {name for _, name in foreign} <= {"schemas", "marshmallow", "defusedxml", "dotenv", "jmespath"}
    assert {path for path, name in foreign if name == "dotenv"} <= {"schemas/settings/environment.py"}


def test_the_worker_knows_nothing_of_flask():
    assert not {path for path, name in imported_in("worker") if name in {"flask", "werkzeug"}}


def test_every_room_was_looked_at():
    for room in ROOMS:
        assert imported_in(room)

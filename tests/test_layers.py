"""Imports point down only: between the packages, between the rooms of a package, and between the files of a room."""

from __future__ import annotations

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"schemas", "worker", "webhook", "sandbox"}
BELOW = {
    "webhook": {"webhook", "worker", "schemas"},
    "worker": {"worker", "schemas"},
    "schemas": {"schemas"},
    "sandbox": {"sandbox"},
    "tests/end_to_end": set(),
}
#: The most files side by side in a room, `__init__.py` aside: who looks for one thing walks past all of them.
MOST_LOOSE_FILES = {"webhook": 6, "worker": 18, "worker/ledger": 16}
MOST_LINES = 250


@cache
def imports_of(path):
    """All that a file imports, wherever in the file and for types too, as dotted names."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def imported_in(package):
    """Each import in a package, as the file and the first word."""
    return {
        (str(path.relative_to(ROOT)), name.split(".")[0])
        for path in (ROOT / package).rglob("*.py")
        for name in imports_of(path)
    }


def file_of(name):
    """The file that a dotted name is in; None where that is none of ours."""
    if name.split(".")[0] not in PACKAGES:
        return None
    *folders, last = name.split(".")
    whole, folder = ROOT.joinpath(*folders, last), ROOT.joinpath(*folders)
    for path in (whole.with_suffix(".py"), whole / "__init__.py", folder.with_suffix(".py"), folder / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def arrows():
    """The imports between our files, as pairs of paths."""
    return {
        (path, target)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in imports_of(path)
        if (target := file_of(name)) not in {None, path}
    }


def folders():
    return [
        path.parent.relative_to(ROOT) for package in sorted(PACKAGES) for path in (ROOT / package).rglob("__init__.py")
    ]


def ordered(graph):
    """The nodes of a graph from the bottom up. Raises CycleError, which names one circle."""
    return list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("package", BELOW)
def test_imports_point_down_only(package):
    upward = {(path, name) for path, name in imported_in(package) if name in PACKAGES - BELOW[package]}
    assert not upward


def test_no_files_import_each_other_in_a_circle():
    graph = {}
    for path, target in arrows():
        graph.setdefault(str(path.relative_to(ROOT)), set()).add(str(target.relative_to(ROOT)))
    assert ordered(graph)


@pytest.mark.parametrize("folder", folders(), ids=str)
def test_what_lies_side_by_side_in_a_folder_has_an_above_and_a_below(folder):
    """Its files and rooms, each room as a whole: there is an order in which every arrow points down."""
    inside, graph = ROOT / folder, {}
    for path, target in arrows():
        if path.is_relative_to(inside) and target.is_relative_to(inside):
            upper, lower = (each.relative_to(inside).parts[0] for each in (path, target))
            if upper != lower:
                graph.setdefault(upper, set()).add(lower)
    try:
        ordered(graph)
    except CycleError as error:
        pytest.fail(f"{folder}: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize(("folder", "most"), MOST_LOOSE_FILES.items())
def test_a_room_can_be_taken_in_at_a_glance(folder, most):
    loose = [path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"]
    assert len(loose) <= most, sorted(loose)


def test_no_file_is_longer_than_a_few_screens():
    too_long = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not too_long


def test_schemas_need_marshmallow_and_little_else():
    foreign = {(path, name) for path, name in imported_in("schemas") if name not in sys.stdlib_module_names}
    assert {name for _, name in foreign} <= {"schemas", "marshmallow", "defusedxml", "dotenv", "jmespath"}
    assert {path for path, name in foreign if name == "dotenv"} <= {"schemas/settings/environment.py"}


def test_the_worker_knows_nothing_of_flask():
    assert not {path for path, name in imported_in("worker") if name in {"flask", "werkzeug"}}


def test_every_package_was_looked_at():
    for package in PACKAGES:
        assert imported_in(package)
    assert len(arrows()) > 500
    assert Path("worker/ledger/queries") in folders()

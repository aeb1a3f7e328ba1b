"""What the packages import is what pyproject.toml declares: an installation has nothing by another package's grace alone."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
OWNERS = packages_distributions()
# Where extras are imported, and which one each place needs. No other place may import what only an extra brings.
OF_EXTRAS = {
    "worker/sinks/sql/": "sql",
    "worker/sinks/kafka.py": "kafka",
    "worker/sinks/parquet.py": "parquet",
    "worker/sinks/bucket.py": "parquet",
    "worker/tracing/": "otel",
}
# A name that types alone know of; it is never imported when a program runs.
FOR_TYPES = {"_typeshed"}


def names(requirements):
    return {canonicalize_name(Requirement(each).name) for each in requirements}


BASE = names(PROJECT["project"]["dependencies"])
EXTRAS = {extra: names(each) for extra, each in PROJECT["project"]["optional-dependencies"].items()}


def imports_of(path):
    """Each dotted name that a file imports, `import_or_explain` included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.Call(func=ast.Name(id="import_or_explain"), args=[ast.Constant(value=str(name)), *_]):
                yield name


FOREIGN = sorted(
    {
        (str(path.relative_to(ROOT)), name)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for name in imports_of(path)
        if (first := name.partition(".")[0]) not in {*sys.stdlib_module_names, *ROOMS, *FOR_TYPES}
    }
)


def owners_of(name):
    """Return the distributions that an import may come from. `opentelemetry` is a namespace that several fill."""
    found = {canonicalize_name(owner) for owner in OWNERS.get(name.partition(".")[0], [])}
    if name.startswith("opentelemetry."):
        part = name.split(".")[1]
        known = {"sdk": "opentelemetry-sdk", "exporter": "opentelemetry-exporter-otlp-proto-http"}
        return {known.get(part, "opentelemetry-api")}
    return found


def test_there_is_something_to_look_at():
    assert {"flask", "redis", "werkzeug", "kombu", "amqp"} <= {name.partition(".")[0] for _, name in FOREIGN}


@pytest.mark.parametrize(("path", "name"), FOREIGN)
def test_an_import_is_declared(path, name):
    """werkzeug, kombu, amqp and markupsafe were there because Flask and Celery happen to need them."""
    extra = next((extra for place, extra in OF_EXTRAS.items() if path.startswith(place)), None)
    declared = BASE | EXTRAS.get(extra, set())
    assert owners_of(name) & declared, f"{path} imports {name}, of {owners_of(name)}"


def test_every_dependency_is_imported_or_said_to_be_for_another_reason():
    """`hiredis` and its like come as extras of others; these are data, or a driver that SQLAlchemy names."""
    imported = {owner for _, name in FOREIGN for owner in owners_of(name)}
    for_another_reason = {"tzdata", "psycopg", "pymysql"}
    assert set().union(BASE, *EXTRAS.values()) - imported <= for_another_reason


@pytest.mark.parametrize("room", ROOMS)
def test_each_package_says_that_it_has_types(room):
    assert (ROOT / room / "py.typed").is_file()

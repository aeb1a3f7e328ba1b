"""Read legwork.toml: the accounts and sinks that do not fit in variables."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemas.settings.declare import Unusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from schemas.settings.declare import Variable
    from schemas.settings.environment import Environment

FILE_NAME = "legwork.toml"

#: The prefix of a text that refers to a variable's value.
REFERENCE = "env:"


@dataclass(frozen=True, slots=True)
class Table:
    """One table. Its problems are recorded under their full names, such as `legwork.toml: accounts[0].quota`."""

    name: str
    raw: Mapping[str, Any]
    environment: Environment
    problems: list[str]

    def problem(self, key: str, text: str) -> None:
        """Record a problem with a key."""
        self.problems.append(f"{self.name}.{key}: {text}")

    def read(self, keys: Mapping[str, Variable], *, required: Iterable[str]) -> dict[str, Any]:
        """Return the values of those of `keys` that are given and valid; record the problems of the others."""
        values = {}
        for key, variable in keys.items():
            if key in self.raw:
                try:
                    raw = self.raw[key]
                    value = self._resolve(key, raw)
                    # the value of another variable may be a secret, whatever this key is
                    values[key] = variable.read(f"{self.name}.{key}", value, hidden=value is not raw)
                except Unusable as error:
                    self.problems.append(str(error))
            elif key in required:
                self.problem(key, f"is missing; {variable.field.right}")
        return values

    def refuse_all_but(self, keys: Mapping[str, Variable]) -> None:
        """Record a problem for every key that is not one of `keys`."""
        known = ", ".join(keys)
        for key in self.raw:
            if key not in keys:
                self.problems.append(f"{self.name}: {key!r} is not known here{nearest(key, keys)}; known are {known}")

    def all_but(self, keys: Mapping[str, Variable]) -> dict[str, Any]:
        """Return the values of all keys other than `keys`, with references resolved."""
        others = {}
        for key, value in self.raw.items():
            if key not in keys:
                try:
                    others[key] = self._resolve(key, value)
                except Unusable as error:
                    self.problems.append(str(error))
        return others

    def _resolve(self, key: str, value: Any) -> Any:
        """Return `value`, or the value of the variable that it refers to; in a table, do so for each of its values."""
        if isinstance(value, dict):
            return {name: self._resolve(f"{key}.{name}", part) for name, part in value.items()}
        if not isinstance(value, str) or not value.startswith(REFERENCE):
            return value
        name = value.removeprefix(REFERENCE)
        try:
            found = self.environment.find(name)
        except Unusable as error:
            raise Unusable(f"{self.name}.{key}: {error}") from None
        if found is None:
            # a name not in capitals may be a secret, written where its variable's name belongs
            shown = f"{name}, which" if name.isupper() else "a variable that"
            raise Unusable(f"{self.name}.{key}: refers to {shown} is not set; set that variable, or write the value")
        return found.text


@dataclass(frozen=True, slots=True)
class Document:
    """The contents of legwork.toml."""

    name: str
    #: False if it could not be read completely: accounts and sinks may be missing.
    usable: bool
    accounts: list[Table]
    sinks: list[Table]


def read_document(named: Path | None, directory: Path, environment: Environment, problems: list[str]) -> Document:
    """Return the document that LEGWORK_CONFIG names, else legwork.toml if it exists, else an empty one."""
    name = str(named or FILE_NAME)
    content: dict[str, Any] = {}
    before = len(problems)
    if named or (directory / name).exists():
        content = _parse(directory / name, name, problems)
    tables: dict[str, list[Table]] = {"accounts": [], "sinks": []}
    for key, value in content.items():
        if key not in tables:
            known = ", ".join(tables)
            problems.append(f"{name}: {key!r} is not known here{nearest(key, tables)}; known are {known}")
        elif not isinstance(value, list) or not all(isinstance(raw, dict) for raw in value):
            problems.append(f"{name}: {key} is not a list of tables; begin each of them with [[{key}]]")
        else:
            for index, raw in enumerate(value):
                tables[key].append(Table(f"{name}: {key}[{index}]", raw, environment, problems))
    return Document(name, usable=len(problems) == before, **tables)


def _parse(path: Path, name: str, problems: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problem = f"LEGWORK_CONFIG: {name} cannot be read ({error.strerror}); name a file that can be read"
    except tomllib.TOMLDecodeError as error:
        problem = f"{name}: {error}; correct the TOML there"
    except ValueError:
        problem = f"{name}: is not a text file; save it as UTF-8"
    problems.append(problem)
    return {}


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the one of `words` that was probably meant, as a question in brackets; empty if none is similar."""
    near = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {near[0]}?)" if near else ""

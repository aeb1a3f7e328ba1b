"""PHP's bracket notation (`Legs[0][Status]=busy`), which Flask leaves flat: turn it into nested data."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from schemas.plain import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterable

# A name, then any number of `[...]` up to the end; a key that does not match is kept as a flat name.
_BRACKETED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
# `007` is text in PHP too. No index has more than a hundred digits, and Python parses that many fast.
_INDEX = re.compile(r"0|[1-9][0-9]{0,99}")


def nest(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """
    Return nested data built from flat pairs, without losing any.

    Indices, however sparse or huge, become a list in their order; other keys, or a mixture, a mapping.
    `a[]` appends. A key that comes several times, or as a value and as a structure (`a=1&a[b]=2`), becomes
    a list of all its values. Malformed brackets stay as they are. Raises ValidationError beyond MAX_DEPTH.
    """
    found: dict[str, Any] = {}
    trees: dict[str, _Node] = {}
    for key, value in pairs:
        if not key.endswith("]") and key not in found:
            found[key] = value  # the usual case: the name comes once and has no brackets
            continue
        # The outermost names are always names: `0=x` is a parameter called "0".
        name, steps = _usual_path(key) if len(key) <= _USUAL else _path(key)
        node = trees.get(name)
        if node is None:
            node = trees[name] = _Node()
            if name in found:
                node.values.append(found[name])
            found[name] = node  # keeps the place in the order of arrival
        for step in steps:
            node = node.step(step)
        node.values.append(value)
    return {name: trees[name].value() if name in trees else value for name, value in found.items()}


def _path(key: str) -> tuple[str, list[int | str | None]]:
    """Return the outermost name, and the steps below it: a name, an index, or None for `[]`."""
    match = _BRACKETED.fullmatch(key) if key.endswith("]") else None
    if match is None:
        return key, []
    if match[2].count("[") >= MAX_DEPTH:
        raise ValidationError({key[:64]: [f"Nested deeper than {MAX_DEPTH} levels."]})
    steps = match[2][1:-1].split("][")
    return match[1], [int(step) if _INDEX.fullmatch(step) else step or None for step in steps]


# The same few dozen keys come with every callback; long, made-up ones are not cached.
_USUAL = 64
_usual_path = lru_cache(maxsize=1024)(_path)


class _Node:
    """A node of the tree: its own values, and its children."""

    __slots__ = ("children", "next_index", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.children: dict[int | str, _Node] = {}  # a mapping, so that index 4294967296 costs no more than 0
        self.next_index = 0

    def child(self, key: int | str) -> _Node:
        try:
            return self.children[key]
        except KeyError:
            node = self.children[key] = _Node()
            return node

    def step(self, key: int | str | None) -> _Node:
        if isinstance(key, str):
            return self.child(key)
        index = self.next_index if key is None else key
        self.next_index = max(self.next_index, index + 1)
        return self.child(index)

    def value(self) -> Any:
        found = [*self.values, self._structure()] if self.children else self.values
        return found[0] if len(found) == 1 else found

    def _structure(self) -> Any:
        indices = [key for key in self.children if isinstance(key, int)]
        if len(indices) == len(self.children):
            return [self.children[index].value() for index in sorted(indices)]
        return {str(key): node.value() for key, node in self.children.items()}

"""Look up a callback's parameters by name, in any case and spelling, also in the objects that Exotel nests them in."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from schemas.no_value import is_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEXTS = (str, int, float)


class NamedParameters:
    """The outermost parameters of a callback by name: `CallSid`, `callsid`, `call_sid` are the same."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._values: dict[str, list[Any]] = {}
        for name, value in params.items():
            self._values.setdefault(fold(name), []).extend(value if isinstance(value, list) else [value])

    def all(self, name: str) -> list[Any]:
        """Return every value of a name, in order of arrival."""
        return self._values.get(fold(name), [])

    def text(self, *names: str) -> str | None:
        """
        Return the value of the first of these names that has one, unchanged; None if none has.

        The last value counts: Exotel appends its parameters to those in the configured URL.
        """
        for name in names:
            # `type`, not `isinstance`: JSON's true and false are not accepted, but bool is a subclass of int.
            known = [value for value in self.all(name) if type(value) in _TEXTS and not is_nothing(value)]
            if known:
                return str(known[-1])
        return None

    def inside(self, *names: str) -> list[NamedParameters]:
        """
        Return the objects under these names, in any notation; every element of a list.

        Nested (`Stream[Status]`, JSON), with dots (`Stream.Status`), or as JSON in one parameter (`Stream={"Status": …}`,
        exotel.md section 4.2).
        """
        found = []
        for name in filter(self._holds, map(fold, names)):
            dotted = {
                key.removeprefix(f"{name}."): values
                for key, values in self._values.items()
                if key.startswith(f"{name}.")
            }
            objects = (each for value in self._values.get(name, ()) for each in _objects(value))
            found += [NamedParameters(each) for each in (*objects, *([dotted] if dotted else []))]
        return found

    def with_call(self) -> NamedParameters:
        """
        Return these parameters together with those in the object `Call` (exotel.md section 5.3), which repeat them.

        The outermost value counts, if there is one.
        """
        if not self._holds("call"):
            return self
        both = NamedParameters({})
        for each in (*self.inside("Call"), self):
            for name, values in each._values.items():  # noqa: SLF001  one of its own
                both._values.setdefault(name, []).extend(values)
        return both

    def _holds(self, name: str) -> bool:
        """Return whether there is anything under this name or below it: a fast check, since there rarely is."""
        return name in self._values or f"\n{name}." in "\n".join(("", *self._values))


@lru_cache(maxsize=1024)  # the same few dozen names come with every callback
def fold(name: str) -> str:
    """Return the form of a parameter's name that all its spellings share."""
    return name.replace("_", "").lower()


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, str):
        value = read_json(value)
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def read_json(text: str) -> Any:
    """Return the object or list in a JSON text; the text itself if it is not JSON of one."""
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text

"""Load a custom sink: a class named by `module:Class`, with a method `send`."""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from marshmallow import INCLUDE, Schema, ValidationError

from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

# Legwork's own packages.
_OURS = frozenset({"sandbox", "schemas", "webhook", "worker"})
_NAME = r"[^\W\d]\w*"
_PATH = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME})")


def own_kind(url: str) -> type[Sink]:
    """Return the class that `module:Class` names, wrapped if it is not a Sink.

    Modules in the working directory are found too. Raises ValidationError.
    """
    path = _PATH.fullmatch(url.partition("?")[0])
    if not path:
        raise ValidationError("must be module:Class", "url")
    module, name = path.groups()
    here = str(Path.cwd())
    if (
        here not in sys.path
    ):  # `legwork` is a script, so Python searches the script's directory, not the working directory
        sys.path.append(here)
    try:
        kind = getattr(import_module(module), name, None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a custom module may raise anything, even by `sys.exit`
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        why = f"{type(error).__name__}: {error}{_clash(missing or module)}"
        raise ValidationError(f"{module} cannot be imported: {why}", "url") from error
    if not isinstance(kind, type) or not callable(getattr(kind, "send", None)):
        raise ValidationError(f"{module} has no class {name} with a method send(records){_clash(module)}", "url")
    for method in ("send", "open", "check", "close"):
        if _does_nothing_when_called(getattr(kind, method, None)):
            text = f"{name}.{method} must be a plain function: nothing of one with async or yield would run"
            raise ValidationError(text, "url")
    batch = getattr(kind, "batch", 1)
    if not isinstance(batch, int) or batch < 1:
        raise ValidationError(f"{name}.batch must be how many records send() takes at once: 1 or more", "url")
    return kind if issubclass(kind, Sink) else type(name, (OwnSink,), {"kind": kind, "batch": batch})


def _does_nothing_when_called(method: object) -> bool:
    """Return whether calling the method runs none of its code, so that a record would wrongly count as delivered."""
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    return any(kind(method) for kind in kinds)


def _clash(module: str) -> str:
    """Return a hint that another module hides one in the working directory; empty if none does.

    Python looks up the first part of a dotted name once, and finds Legwork's, or its own, before the working directory.
    """
    first, here = module.partition(".")[0], Path.cwd()
    in_here = {here / first, here / f"{first}.py", here / first / "__init__.py"}
    if not any(place.exists() for place in in_here):
        return ""
    try:
        found = find_spec(first)
    except (ImportError, ValueError):
        return ""
    if (
        found is None
        or {Path(place) for place in (found.origin, *(found.submodule_search_locations or ())) if place} & in_here
    ):
        return ""
    owner = "Legwork's own package" if first in _OURS else "another module's name"
    return f"; `{first}` is {owner}, which hides the `{first}` of this folder: give that one another name"


class OwnSink(Sink):
    """`module:Class`: your own class. Unless it is a `worker.sinks.base.Sink`, it only needs `send(records)`.

    The options are then passed as arguments to the class, and it may also have `batch`, `open()`, `check()` and
    `close()`.
    """

    class Options(Schema):
        """Any options, which are passed to the class."""

        class Meta:
            unknown = INCLUDE

    kind: ClassVar[type]

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        arguments = dict(parse_qsl(self.url.partition("?")[2], keep_blank_values=True)) | self.options
        try:
            self._own: Any = self.kind(**arguments)
        except (TypeError, ValueError) as error:
            raise ValidationError(str(error) or type(error).__name__, "options") from error

    def open(self) -> None:
        """Call the object's `open`, if it has one."""
        self._call("open")

    def send(self, records: list[Record]) -> str:
        """Call the object's `send`; its result is the answer."""
        return self._own.send(records) or "sent"

    def check(self) -> str:
        """Call the object's `check`, if it has one."""
        return str(self._call("check") or "nothing to check")

    def close(self) -> None:
        """Call the object's `close`, if it has one."""
        self._call("close")

    def _call(self, method: str) -> Any:
        return getattr(self._own, method, lambda: None)()

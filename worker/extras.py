"""Import the libraries that only some sinks need, and say what to install if one is missing."""

from __future__ import annotations

import re
import shlex
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from typing import Any

from worker.errors import PermanentFailure


def import_or_explain(name: str, *, extra: str) -> Any:
    """Return a module by its name. Raises PermanentFailure with the command that installs what it needs.

    `name` may also be a module of ours that imports the library at its top.
    """
    try:
        return import_module(name)
    except ImportError as error:
        # psycopg without libpq is installed, but cannot be imported.
        library = (error.name or str(error)).partition(".")[0]
        raise PermanentFailure(f"{library}: not installed; {_command_for(extra)}") from error


def _command_for(extra: str) -> str:
    """Return the command that installs the packages of an extra of pyproject.toml into this environment.

    Not the extra itself: the name legwork on PyPI is another project's.
    """
    try:
        declared = requires("legwork") or []
    except PackageNotFoundError:  # a checkout on the path that is not installed
        declared = []
    needed = [text.partition(";")[0] for text in declared if re.search(rf"extra == .{extra}\W", text)]
    command = ["python3", "-m", "pip", "--python", sys.prefix, "install", *needed]
    return shlex.join(command) if needed else f"install what the extra `{extra}` of pyproject.toml names"

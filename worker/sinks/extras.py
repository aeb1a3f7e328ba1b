"""Imports the libraries that only some sinks need, and says what to install where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from worker.errors import PermanentFailure


def import_or_explain(name: str, *, extra: str) -> Any:
    """Import a module by its name. Raises PermanentFailure with the command that installs what it needs.

    `name` may also be a module of ours that imports the library at its top.
    """
    try:
        return import_module(name)
    except ImportError as error:
        # psycopg without libpq is there, and cannot be imported all the same.
        library = (error.name or str(error)).partition(".")[0]
        raise PermanentFailure(f"{library}: not installed; pip install 'legwork[{extra}]'") from error

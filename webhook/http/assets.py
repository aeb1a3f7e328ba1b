"""The static files of the pages, with URLs that change when the files do."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from flask import request, url_for

_FOLDER = Path(__file__).parents[1] / "static"
# Only these names are served: a name from a URL is never joined to a path.
_NAMES = frozenset(file.relative_to(_FOLDER).as_posix() for file in _FOLDER.rglob("*") if file.is_file())
# Enough characters to tell a file's versions apart.
_LENGTH = 16


def asset(name: str) -> str:
    """Return the URL of a file in `static/`."""
    return url_for("static", filename=name, v=checksum(name))


def is_current() -> bool:
    """Is this a request for a file with its current checksum?"""
    name = (request.view_args or {}).get("filename", "")
    given = request.args.get("v") if request.endpoint == "static" else None
    return given is not None and name in _NAMES and given == checksum(name)


@cache
def integrity(name: str) -> str:
    """Return a file's Subresource Integrity value; browsers load no other content (https://www.w3.org/TR/SRI/)."""
    return f"sha256-{b64encode(hashlib.sha256((_FOLDER / name).read_bytes()).digest()).decode()}"


@cache
def checksum(name: str) -> str:
    """Return the beginning of a file's SHA-256. Files do not change while a process runs."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:_LENGTH]

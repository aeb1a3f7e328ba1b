"""The files that pages load, by URLs that change with them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

from flask import request, url_for

_FOLDER = Path(__file__).parents[1] / "static"
# Whoever asks for a file names one of these: a name from a URL is never joined to a path.
_NAMES = frozenset(file.relative_to(_FOLDER).as_posix() for file in _FOLDER.rglob("*") if file.is_file())
# Enough for a file to have no namesake among its own versions.
_LENGTH = 16


def asset(name: str) -> str:
    """Return the URL of a file in `static/`."""
    return url_for("static", filename=name, v=checksum(name))


def is_current() -> bool:
    """Is this a request for a file by its checksum, the one that it has now?"""
    name = (request.view_args or {}).get("filename", "")
    given = request.args.get("v") if request.endpoint == "static" else None
    return given is not None and name in _NAMES and given == checksum(name)


@cache
def integrity(name: str) -> str:
    """Return what a page says that a file is to be; browsers take no other (https://www.w3.org/TR/SRI/)."""
    return f"sha256-{b64encode(hashlib.sha256((_FOLDER / name).read_bytes()).digest()).decode()}"


@cache
def checksum(name: str) -> str:
    """Return the beginning of a file's SHA-256. Files do not change while a process runs."""
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:_LENGTH]

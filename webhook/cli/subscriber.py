"""A subscriber as the options of `legwork sinks add` describe it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from schemas.settings.declare import Unusable
from schemas.settings.document import REFERENCE
from schemas.settings.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from marshmallow import ValidationError


def document_of(given: dict[str, Any]) -> dict[str, Any]:
    """Put what the options say into the form that a subscriber has."""
    options: dict[str, Any] = {"headers": _headers(given.pop("headers"))}
    for name in ("ca_file", "allow_private", "allow_networks"):
        value = given.pop(name)
        options[name] = ",".join(value) if isinstance(value, tuple) else value
    if given["secret"] == "-":  # noqa: S105  where it comes from, not what it is
        # What a Windows editor saved begins with a byte order mark.
        given["secret"] = sys.stdin.readline().removeprefix("\ufeff").strip()
    elif given["secret"] is not None:
        given["secret"] = _resolved("--secret", given["secret"])
    document = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return {
        **{name: value for name, value in document.items() if value not in (None, [])},
        "options": {name: value for name, value in options.items() if value},
    }


def _headers(given: Iterable[str]) -> dict[str, str]:
    """Read what `--header` was given, NAME:VALUE each. Raises click.UsageError, which shows no value."""
    headers: dict[str, str] = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon:  # then what is there may be the value
            raise click.UsageError("--header: one has no colon in it; give NAME:VALUE")
        if name.strip() in headers:
            raise click.UsageError(f"--header: {name.strip()} is there twice; leave one out")
        headers[name.strip()] = _resolved("--header", value.strip())
    return headers


def problems(error: ValidationError) -> str:
    """Return a line for each thing that is wrong."""
    lines = []
    for key, texts in error.normalized_messages().items():  # type: ignore[no-untyped-call]
        for option, found in texts.items() if isinstance(texts, dict) else ((None, texts),):
            name = key if option is None else f"{key}.{option}"
            lines.append(f"{name}: {' '.join(map(str, found)) if isinstance(found, list) else found}")
    return "\n".join(lines)


def _resolved(option: str, value: str) -> str:
    """Return a value, or what the variable holds that it refers to: everybody on the machine may read a command line.

    Such a variable may stand in `.env` or have its value in a file, as one that legwork.toml refers to.
    """
    if not value.startswith(REFERENCE):
        return value
    name = value.removeprefix(REFERENCE)
    try:
        found = Environment(os.environ, Path(), []).find(name)
    except Unusable as error:
        raise click.UsageError(f"{option}: {error}") from None
    if found is None:
        # What is not in capitals may be a secret, put where its variable's name belongs.
        shown = f"{name}, which" if name.isupper() else "a variable that"
        raise click.UsageError(f"{option}: refers to {shown} is not set; set that variable")
    return found.text

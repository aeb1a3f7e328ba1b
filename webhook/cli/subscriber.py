"""Turns the options of `legwork sinks add` and `update` into a subscriber's document."""

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


# The options of a webhook, which are no keys of a sink.
_OPTIONS = ("headers", "ca_file", "allow_private", "allow_networks")


def document_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return a subscriber's document from the options."""
    options: dict[str, Any] = {"headers": _headers(given.pop("headers"))}
    for name in _OPTIONS[1:]:
        value = given.pop(name)
        options[name] = ",".join(value) if isinstance(value, tuple) else value
    if given["secret"] == "-":  # noqa: S105  a source, not a secret
        # Some Windows editors save files with a byte order mark.
        given["secret"] = sys.stdin.readline().removeprefix("\ufeff").strip()
    elif given["secret"] is not None:
        given["secret"] = _resolved("--secret", given["secret"])
    document = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return {
        **{name: value for name, value in document.items() if value not in (None, [])},
        "options": {name: value for name, value in options.items() if value},
    }


def change_of(given: dict[str, Any]) -> dict[str, Any]:
    """Return a change of a subscriber from the options of `update`: None for what `--no-…` takes away.

    Raises click.UsageError if an option and its opposite are both given.
    """
    headers = _headers(given.pop("headers"))
    gone = dict.fromkeys(given.pop("no_headers"))
    for name in gone:
        if name.lower() in map(str.lower, headers):
            raise click.UsageError(f"--header and --no-header name {name}: leave one out")
    change: dict[str, Any] = {"headers": {**headers, **gone}}
    for key in [key for key in given if not key.startswith("no_")]:
        change[key] = _changed(key, given[key], is_gone=given.get(f"no_{key}", False))
    options = {key: change.pop(key) for key in _OPTIONS}
    return {**_told(change), **({"options": _told(options)} if _told(options) else {})}


def _changed(key: str, value: Any, *, is_gone: bool) -> Any:
    """Return a key's new value; None where it is taken away, and an empty tuple where nothing is said of it."""
    is_given = value not in (None, ())
    if is_gone and is_given:
        option = key.removesuffix("s").replace("_", "-")
        raise click.UsageError(f"--{option} and --no-{option}: leave one out")
    if not is_given:
        return None if is_gone else ()
    return list(value) if isinstance(value, tuple) else value


def _told(change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in change.items() if value not in ((), {})}


def _headers(given: Iterable[str]) -> dict[str, str]:
    """Read the values of `--header`, NAME:VALUE each. Raises click.UsageError, which shows no value."""
    headers: dict[str, str] = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon:  # it may be the secret value, so it is not shown
            raise click.UsageError("--header: one has no colon; give NAME:VALUE")
        if name.strip() in headers:
            raise click.UsageError(f"--header: {name.strip()} is given twice; leave one out")
        headers[name.strip()] = _resolved("--header", value.strip())
    return headers


def problems(error: ValidationError) -> str:
    """Return one line per problem."""
    lines = []
    for key, texts in error.normalized_messages().items():  # type: ignore[no-untyped-call]
        for option, found in texts.items() if isinstance(texts, dict) else ((None, texts),):
            name = key if option is None else f"{key}.{option}"
            lines.append(f"{name}: {' '.join(map(str, found)) if isinstance(found, list) else found}")
    return "\n".join(lines)


def _resolved(option: str, value: str) -> str:
    """Return a value, or the value of the variable that it refers to, since anyone on the machine can read a command line.

    The variable may be set in `.env` or by a file (`NAME_FILE`), like those that legwork.toml refers to.
    """
    if not value.startswith(REFERENCE):
        return value
    name = value.removeprefix(REFERENCE)
    try:
        found = Environment(os.environ, Path(), []).find(name)
    except Unusable as error:
        raise click.UsageError(f"{option}: {error}") from None
    if found is None:
        # A name not in capitals may be a secret, put where the variable's name belongs, so it is not shown.
        shown = f"{name}, which" if name.isupper() else "a variable that"
        raise click.UsageError(f"{option}: refers to {shown} is not set; set that variable")
    return found.text

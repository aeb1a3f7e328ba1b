"""What the commands share: the settings, the ledger, `--json`, and ways to show things."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import redis
from rich.console import Console

from schemas.settings import Settings, SettingsError, load_settings
from schemas.times import write_milliseconds
from webhook.cli.trouble import Trouble
from webhook.up.folder import is_left_behind
from worker.connections import connect, without_password
from worker.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

Command = TypeVar("Command", bound="Callable[..., Any]")

# What is not a terminal has no width; tables are not squeezed then.
_WIDTH_OF_A_PIPE = 140


def json_option(command: Command) -> Command:
    """The option that every command has."""
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON on standard output.")(command)


def settings_here() -> Settings:
    """The settings of the working directory. Raises SettingsError."""
    try:
        return load_settings(os.environ)
    except SettingsError as error:
        if not is_left_behind(Path()):
            raise
        hint = "(`legwork up` was used in this directory, and does not run now: start it, or set what is missing)"
        raise SettingsError([*error.problems, hint]) from error


def settings_with_redis() -> Settings:
    """The same, with a Redis among them. Raises SettingsError."""
    settings = settings_here()
    if settings.redis_url is None:
        right = "give redis://host:6379/0, or let `legwork up` bring its own"
        raise SettingsError([f"REDIS_URL: is not set; {right}"])
    return settings


def open_ledger(settings: Settings) -> Ledger:
    """The ledger, looked at. Raises Trouble where it is out of reach, LedgerUnusable."""
    ledger = Ledger(connect(settings), settings)
    click.get_current_context().call_on_close(ledger.client.close)
    try:
        ledger.open()
    except redis.RedisError as error:
        where = without_password(settings.redis_url or "")
        raise Trouble(f"Redis at {where} cannot be used: {error}; is it running? `legwork check` says more") from error
    return ledger


def print_json(document: Any) -> None:
    """Print a document for programs; plain ASCII, whatever the terminal."""
    click.echo(json.dumps(document, indent=2))


def console() -> Console:
    """Where things for people are printed."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_PIPE
    return Console(width=width, highlight=False)


def utc(milliseconds: float | None) -> str | None:
    """A moment of Redis's clock as records write it, or None."""
    return None if milliseconds is None else write_milliseconds(milliseconds)


def local(milliseconds: float, zone: tzinfo | None = None) -> str:
    """A moment of Redis's clock for people, in the zone that they think in."""
    return datetime.fromtimestamp(milliseconds / 1000, zone or UTC).strftime("%Y-%m-%d %H:%M:%S")


def spoken(seconds: float) -> str:
    """So many seconds as people say it: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = round(seconds)
    if seconds < 100:  # noqa: PLR2004  until then seconds are the handier unit
        return f"{seconds} s"
    minutes, hours, days = round(seconds / 60), round(seconds / 60) // 60, round(seconds / 3600) // 24
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {round(seconds / 3600) % 24} h"

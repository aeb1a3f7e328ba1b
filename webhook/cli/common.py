"""What the commands share: the settings, the ledger, `--json`, and output."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from webhook.cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from rich.console import Console

    from schemas.settings import Settings
    from worker.ledger import Ledger

Command = TypeVar("Command", bound="Callable[..., Any]")

#: Who ordered a change, for a call's history.
COMMAND_LINE = "the command line"
# A pipe has no width: texts are wrapped at the first, tables never.
_WIDTH_OF_A_PIPE, _WIDTH_OF_A_TABLE = 140, 100_000


def json_option(command: Command) -> Command:
    """Add the `--json` option, which every command has."""
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON on standard output.")(command)


def examples(*lines: str) -> str:
    """Return the examples for the end of a command's help; a test runs them."""
    # \b keeps click from rewrapping the lines.
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def note(text: str) -> None:
    """Print a remark on standard error: under --json as a line of JSON, like errors."""
    context = click.get_current_context(silent=True)
    as_json = context is not None and context.params.get("as_json", False)
    click.echo(json.dumps({"note": text}) if as_json else text, err=True)


def settings_here() -> Settings:
    """Return the settings of the working directory. Raises SettingsError."""
    # Imported here, like everything that a command needs but its help does not.
    from schemas.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        return load_settings(os.environ)
    except SettingsError as error:
        from schemas.settings.load import set_in  # noqa: PLC0415
        from webhook.up.folder import is_left_behind  # noqa: PLC0415  importing it takes longer than most commands

        if not any(": is not set" in problem for problem in error.problems):
            raise
        if is_left_behind(Path()):
            hint = "(`legwork up` was used in this directory but is not running: start it, or set what is missing)"
        elif not set_in(os.environ) and not any(Path(name).exists() for name in (".env", "legwork.toml")):
            hint = "(there is neither a .env nor a legwork.toml in this directory: run the command where they are)"
        else:
            raise
        raise SettingsError([*error.problems, hint]) from error


def settings_with_redis() -> Settings:
    """Return the settings, with REDIS_URL set. Raises SettingsError."""
    from schemas.settings import SettingsError  # noqa: PLC0415

    missing = "REDIS_URL: is not set; give redis://host:6379/0, or run `legwork up`, which has its own"
    try:
        settings = settings_here()
    except SettingsError as error:
        # Report everything that is wrong at once.
        raise SettingsError([missing, *error.problems] if _has_no_redis() else error.problems) from error
    if settings.redis_url is None:
        raise SettingsError([missing])
    return settings


def _has_no_redis() -> bool:
    from schemas.settings.declare import Unusable  # noqa: PLC0415
    from schemas.settings.environment import Environment  # noqa: PLC0415

    try:
        return Environment(os.environ, Path(), []).find("REDIS_URL") is None
    except Unusable:
        return False


def open_ledger(settings: Settings) -> Ledger:
    """Connect to the ledger and open it. Raises CommandFailed if Redis is unreachable, LedgerUnusable."""
    import redis  # noqa: PLC0415

    from schemas.urls import without_password  # noqa: PLC0415
    from worker.connections import connect  # noqa: PLC0415
    from worker.ledger import Ledger  # noqa: PLC0415
    from worker.ledger.advice import what_to_do  # noqa: PLC0415

    ledger = Ledger(connect(settings), settings)
    click.get_current_context().call_on_close(ledger.client.close)
    try:
        ledger.open()
    except redis.RedisError as error:
        where = without_password(settings.redis_url or "")
        raise CommandFailed(
            f"Redis at {where} cannot be used: {error}; {what_to_do(error)}; `legwork check` shows details"
        ) from error
    return ledger


def print_json(document: Any) -> None:
    """Print a document as JSON, in plain ASCII whatever the terminal."""
    click.echo(json.dumps(document, indent=2))


def console(*, wide: bool = False) -> Console:
    """Return the console for output to people; a `wide` one has no limit in a pipe, where nothing is cut."""
    from rich.console import Console  # noqa: PLC0415  --json does not need it

    of_a_pipe = _WIDTH_OF_A_TABLE if wide else _WIDTH_OF_A_PIPE
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else of_a_pipe
    return Console(width=width, highlight=False)


def local(milliseconds: float, zone: tzinfo | None = None) -> str:
    """Return a time of Redis's clock for people, in a zone (default UTC)."""
    return datetime.fromtimestamp(milliseconds / 1000, zone or UTC).strftime("%Y-%m-%d %H:%M:%S")

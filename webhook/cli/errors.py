"""Turns expected errors into messages that say what to do, and into exit codes."""

from __future__ import annotations

import json
from typing import IO, Any

import click


class CommandFailed(click.ClickException):
    """Raised to end a command with a message on standard error."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message unchanged: each line begins with the name of what is wrong."""
        click.echo(self.message, file=file, err=file is None)


class BadSettings(CommandFailed):
    """Raised to end a command that cannot work with these settings."""

    exit_code = 2


class Interrupted(CommandFailed):
    """Raised to end long work at Ctrl-C with a message about its progress."""

    exit_code = 130


def as_command_failure(error: Exception) -> CommandFailed | None:
    """Return the message for an expected error, or None if it is a bug."""
    # Imported only on an error: a command that needs none of these starts without them.
    import redis  # noqa: PLC0415

    from schemas.settings import SettingsError  # noqa: PLC0415
    from webhook.up import CannotStart  # noqa: PLC0415
    from worker.errors import LedgerUnusable  # noqa: PLC0415
    from worker.process.embedded_redis import NoServer  # noqa: PLC0415
    from worker.sinks import BadSink  # noqa: PLC0415

    match error:
        case SettingsError():
            return BadSettings("\n".join(error.problems))
        case BadSink() | LedgerUnusable():
            return BadSettings(str(error))
        case NoServer() | CannotStart():
            return CommandFailed(str(error))
        case redis.RedisError():
            return CommandFailed(f"Redis: {error}; `legwork check` shows its state")
        case _:
            return None


def show(error: click.ClickException, *, as_json: bool) -> None:
    """Print an error on standard error: for people, or for programs as one line of JSON."""
    if not as_json:
        error.show()
        return
    text = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text += f"\nSee `{error.ctx.command_path} --help`."
    click.echo(json.dumps({"exit_code": error.exit_code, "problems": text.splitlines()}), err=True)

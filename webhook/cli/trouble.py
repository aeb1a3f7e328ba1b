"""Turns the errors that can be expected into a line that says what to do, and an exit code."""

from __future__ import annotations

from typing import IO, Any

import click
import redis

from schemas.settings import SettingsError
from webhook.up import CannotStart
from worker.embedded_redis import NoServer
from worker.errors import LedgerUnusable
from worker.sinks import BadSink


class Trouble(click.ClickException):
    """Raised to end a command with a message on standard error: something was found to be wrong."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message as it is: each line begins with the name of what is wrong."""
        click.echo(self.message, file=file, err=file is None)


class BadSettings(Trouble):
    """Raised to end a command that cannot work as it was set up."""

    exit_code = 2


def as_trouble(error: Exception) -> Trouble | None:
    """What to say about an error, or None if it is a bug."""
    match error:
        case SettingsError():
            return BadSettings("\n".join(error.problems))
        case BadSink() | LedgerUnusable():
            return BadSettings(str(error))
        case NoServer() | CannotStart():
            return Trouble(str(error))
        case redis.RedisError():
            return Trouble(f"Redis: {error}; `legwork check` says how it stands")
        case _:
            return None

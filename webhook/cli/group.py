"""The `legwork` group: how commands end, and with which exit codes."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from webhook.cli import errors
from webhook.cli.table import TableGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

# A shell's exit codes for a program that SIGINT or SIGPIPE ended.
_CTRL_C, _BROKEN_PIPE = 130, 141
# Write errors for lack of space: disk full, disk quota, file size limit.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LegworkGroup(TableGroup):
    """The command line: expected errors are one line each; a traceback is a bug."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Raises CommandFailed for expected errors."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _write_no_more()
            ctx.exit(_BROKEN_PIPE)
        except (click.ClickException, click.exceptions.Exit, click.Abort, OSError):
            raise
        except Exception as error:
            found = errors.as_command_failure(error)
            if found is None:
                raise
            raise found from error

    def main(  # type: ignore[override]  # click's has overloads that are never used here
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the command line, and end the process with its exit code."""
        given = list(sys.argv[1:] if args is None else args)
        sys.exit(self._run(given, prog_name, extra))

    def _run(self, given: list[str], prog_name: str | None, extra: dict[str, Any]) -> Any:
        try:
            return super().main(given, prog_name, **{**extra, "standalone_mode": False})
        except click.ClickException as error:
            errors.show(error, as_json="--json" in given)
            return error.exit_code
        except click.Abort as error:
            if error.__context__ is not None and error.__cause__ is None:
                click.echo(err=True)  # end the line of the unanswered question
            if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
                return _CTRL_C
            errors.show(errors.CommandFailed("Nothing was done."), as_json="--json" in given)
            return errors.CommandFailed.exit_code
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            _write_no_more()
            text = f"cannot write: {error.strerror}; free some space, or redirect the output elsewhere"
            errors.show(errors.CommandFailed(text), as_json="--json" in given)
            return errors.CommandFailed.exit_code
        except SystemExit as leaving:
            # Rich ends the process itself when a pipe's reader has closed it: `legwork calls list | head`.
            return _BROKEN_PIPE if isinstance(leaving.__context__, BrokenPipeError) else leaving.code


def _write_no_more() -> None:
    """Redirect standard output to /dev/null, so that Python's flush at exit does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

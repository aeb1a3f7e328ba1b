"""Groups whose commands stand in a table, and are imported when they are run: help and completion are quick."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import click
from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of a table: its section, the one line that it is known by, and where it is."""

    section: str
    line: str
    where: str


class TableGroup(click.Group):
    """Commands out of a table, each imported on first use: neither help nor completion waits for what they need."""

    def __init__(self, *args: Any, table: dict[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of use."""
        return [*self.table, *(name for name in super().list_commands(ctx) if name not in self.table)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name, imported now if it is one of the table."""
        entry = self.table.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = entry.where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for. Raises click.UsageError, with names that are near."""
        # Click suggests out of `commands`, which a table does not fill.
        # At a Tab it fails no more than click's own: a complaint would stand in the midst of what somebody types.
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise click.NoSuchCommand(args[0], possibilities=known, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            section, line = self._told(ctx, name)
            sections.setdefault(section, []).append((name, line))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)

    def _told(self, ctx: click.Context, name: str) -> tuple[str, str]:
        entry = self.table.get(name)
        if entry is not None:
            return entry.section, entry.line
        command = self.get_command(ctx, name)
        return "More", command.get_short_help_str(100) if command else ""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete a command's name, without importing any."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self._told(ctx, name)[1]) for name in names]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

"""`legwork calls export`: calls as CSV or JSON lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.call_filters import chosen_calls, filter_options, numbers_option
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.progress import progress
from webhook.operations.call_export import as_document, csv_lines, json_lines
from webhook.operations.masking import Shown
from worker.ledger.queries.listing import calls_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from worker.ledger.queries.rows import CallRow

_FORMATS = {"csv": csv_lines, "jsonl": json_lines}


@click.command(
    "export",
    epilog=examples(
        "legwork calls export --since 7d --numbers",
        "legwork calls export --outcome missed --format jsonl",
    ),
)
@filter_options
@click.option(
    "--format", "form", type=click.Choice(list(_FORMATS)), default="csv", show_default=True, help="CSV or JSON lines."
)
@numbers_option
@json_option
def export_command(form: str, *, numbers: bool, as_json: bool, **chosen: Any) -> None:
    """Export calls as CSV or JSON lines, newest first.

    All calls that match, on standard output; times are in UTC. In CSV, a text that a spreadsheet would take for a formula has
    an apostrophe before it. Numbers are masked to their last four digits unless --numbers is given.
    """
    ledger = open_ledger(settings_with_redis())
    calls = chosen_calls(ledger, **chosen)
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)
    if as_json:
        print_json([as_document(call, shown) for call in calls])
        return
    total = None if any(chosen.values()) else calls_kept(ledger)
    # On a terminal the lines themselves are the progress.
    with progress("exporting", total, as_json=sys.stdout.isatty()) as advance:
        for line in _FORMATS[form](_counted(calls, advance), shown):
            # Bytes, so that Windows' line ends of CSV stay as they are.
            click.echo(line.encode(), nl=False)


def _counted(calls: Iterable[CallRow], advance: Callable[[int], None]) -> Iterator[CallRow]:
    for call in calls:
        yield call
        advance(1)

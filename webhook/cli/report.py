"""`legwork report`: reports about calls, of the ledger or of files that sinks have written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from webhook.cli.arguments import given_time
from webhook.cli.call_filters import SINCE, numbers_option
from webhook.cli.common import examples, json_option, note, print_json
from webhook.cli.completion_values import account_sids
from webhook.cli.progress import progress
from webhook.cli.report_source import FromFiles, FromLedger, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from webhook.cli.arguments import GivenTime

Command = TypeVar("Command", bound="Callable[..., Any]")

_FROM = (
    "Read what a sink wrote instead of the ledger: the file of a file: sink, with those rotated from it, or the folder of a "
    "folder: sink."
)
_OPTIONS = (
    click.option("--since", type=given_time, metavar="T", help=SINCE),
    click.option("--until", type=given_time, metavar="T", help="Only calls that began before this time."),
    click.option("--account", metavar="SID", shell_complete=account_sids, help="Only the calls of this account."),
    click.option("--from", "path", metavar="FILE|FOLDER", type=click.Path(exists=True, path_type=Path), help=_FROM),
    click.option(
        "--format",
        "form",
        type=click.Choice(["table", "csv", "json"]),
        default="table",
        show_default=True,
        help="Output.",
    ),
    numbers_option,
    json_option,
)


def report_options(command: Command) -> Command:
    """Add the options that all reports have."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(
    "agents", epilog=examples("legwork report agents --since 7d", "legwork report agents --from records.jsonl")
)
@report_options
def agents(**chosen: Any) -> None:
    """Report on agents: tried, answered, missed, talk time, longest wait.

    Of inbound and outbound calls. The longest wait is that of the inbound calls that the agent answered.
    """
    _report("agents", **chosen)


@click.command(
    "missed", epilog=examples("legwork report missed --since 24h --numbers", "legwork report missed --format csv")
)
@report_options
def missed(**chosen: Any) -> None:
    """Report on missed calls by customer, and whether somebody has spoken to them since.

    First come the customers to whom nobody has spoken since their last missed call.
    """
    _report("missed", **chosen)


@click.command("hours", epilog=examples("legwork report hours --since 7d", "legwork report hours --json"))
@report_options
def hours(**chosen: Any) -> None:
    """Report on the hours of the day: inbound calls, answered, missed, how long callers waited.

    The hours are those of the account's time zone. The waits are the median, and what nine in ten did not exceed (p90).
    """
    _report("hours", **chosen)


@click.command(
    "callers",
    epilog=examples("legwork report callers --since 2026-09-01 --until 2026-10-01", "legwork report callers --json"),
)
@report_options
def callers(**chosen: Any) -> None:
    """Report on callers: how often each called, was answered, was missed.

    Who called most comes first.
    """
    _report("callers", **chosen)


def _report(
    name: str,
    *,
    since: GivenTime | None,
    until: GivenTime | None,
    account: str | None,
    path: Path | None,
    form: str,
    numbers: bool,
    as_json: bool,
) -> None:
    # Imported here, like everything that a command needs but its help does not.
    from webhook.operations.reports.kinds import make_report  # noqa: PLC0415
    from webhook.operations.reports.output import csv_lines, documents  # noqa: PLC0415
    from webhook.operations.reports.remarks import left_out  # noqa: PLC0415

    wanted = Wanted(account, since, until)
    source: FromFiles | FromLedger = FromLedger.of(wanted) if path is None else FromFiles.of(path, wanted)
    with progress("reading", source.total, as_json=as_json) as advance:
        report = make_report(name, source.calls(advance), source.zone_of)
    if as_json or form == "json":
        print_json(documents(report, numbers=numbers))
    elif form == "csv":
        for line in csv_lines(name, report, numbers=numbers):
            # Bytes, so that Windows' line ends of CSV stay as they are.
            click.echo(line.encode(), nl=False)
    else:
        from webhook.cli.report_table import show_report  # noqa: PLC0415

        show_report(name, report, zone=source.zone, zones=source.zones, numbers=numbers)
    for remark in (*source.remarks(), *left_out(name, report, without_record=source.without_record)):
        note(remark)

"""`legwork calls fetch`: fetch calls now, whatever their schedules say."""

from __future__ import annotations

import click

from webhook.cli.arguments import call_sid, check_all_found
from webhook.cli.common import COMMAND_LINE, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import call_sids
from worker.ledger.operations.refetching import Refetch, fetch_again

_SAID = {
    Refetch.SOONER: "queued: fetched as soon as the quota allows",
    Refetch.CONFIRM: "queued at lowest priority for one more read; a correction is sent if anything differs",
    Refetch.RETRIED: "queued: fetched again, its retry schedule starts again",
    Refetch.UNDER_WAY: "already in progress or due",
}


@click.command(
    "fetch",
    epilog=examples(
        "legwork calls fetch 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
        "legwork calls fetch 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g --json",
    ),
)
@click.argument("sids", metavar="SID...", nargs=-1, required=True, type=call_sid, shell_complete=call_sids)
@json_option
def fetch_command(sids: tuple[str, ...], as_json: bool) -> None:
    """Fetch calls now, regardless of their schedules.

    A waiting call is fetched as soon as the account's quota allows. A final call is read once more, at lowest priority; a
    correction is sent if anything differs. For a failed or dropped call the retry schedule starts again.
    """
    ledger = open_ledger(settings_with_redis())
    outcomes = {sid: fetch_again(ledger, sid, by=COMMAND_LINE) for sid in dict.fromkeys(sids)}
    known = {sid: outcome for sid, outcome in outcomes.items() if outcome is not None}
    if as_json:
        print_json(
            [
                {"call_sid": sid, "queued": outcome is not Refetch.UNDER_WAY, "outcome": outcome.value}
                for sid, outcome in known.items()
            ]
        )
    else:
        for sid, outcome in known.items():
            click.echo(f"{sid}: {_SAID[outcome]}.")
    wrong = {sid: "no such call in the ledger" for sid in outcomes if sid not in known}
    check_all_found(
        wrong, "`legwork calls list` lists the calls; `legwork import` has calls fetched that are not known."
    )

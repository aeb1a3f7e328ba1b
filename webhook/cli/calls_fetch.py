"""`legwork calls fetch`: fetch calls now, whatever their schedules say."""

from __future__ import annotations

import click

from webhook.cli.arguments import call_sid, check_all_found
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import call_sids
from worker.ledger.operations.refetching import Refetch, fetch_again

_SAID = {
    Refetch.SOONER: "fetched as soon as the account may be asked",
    Refetch.CONFIRM: "read once more, with quota that nobody else wants; a correction goes out if anything differs",
    Refetch.RETRIED: "fetched again; its schedule begins anew",
    Refetch.UNDER_WAY: "being fetched, or about to be",
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

    One that waits, as soon as the account may be asked. One that is settled, once more, with quota that nobody else wants: a
    correction goes out if anything differs. One that was given up on or dropped, by a schedule that begins anew.
    """
    ledger = open_ledger(settings_with_redis())
    outcomes = {sid: fetch_again(ledger, sid) for sid in dict.fromkeys(sids)}
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
    check_all_found(wrong, "`legwork calls list` shows the calls there are.")

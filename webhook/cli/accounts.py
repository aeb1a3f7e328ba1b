"""`legwork accounts`: list them, and ask Exotel about one."""

from __future__ import annotations

import click

from webhook.cli.columns import Cell, Column, show_table
from webhook.cli.common import examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import account_sids
from webhook.cli.errors import CommandFailed
from webhook.operations.accounts import list_accounts, retry_account
from webhook.operations.times import spoken

_COLUMNS = [
    Column("account", least=8),
    Column("state"),
    Column("waiting", right=True),
    Column("received", right=True, drop=2),
    Column("final", right=True, drop=3),
    Column("failed", right=True, drop=4),
    Column("quota used", right=True, drop=1),
    Column("reason", least=8),
]
_COLOURS = {"active": "green", "suspended": "red"}


@click.command("list", epilog=examples("legwork accounts list", "legwork accounts list --json | jq '.[].state'"))
@json_option
def list_command(as_json: bool) -> None:
    """List accounts: state, calls, quota."""
    found = list_accounts(open_ledger(settings_with_redis()))
    if as_json:
        print_json(found)
        return
    rows = [
        [
            each["account_sid"],
            Cell(each["state"], _COLOURS.get(each["state"], "yellow")),
            *(str(each[name]) for name in ("waiting", "received", "settled", "dead")),
            f"{each['quota']['used']} of {each['quota']['in_force']} in {spoken(each['quota']['seconds'])}",
            each["reason"] or "",
        ]
        for each in found
    ]
    show_table(_COLUMNS, rows)


@click.command("retry", epilog=examples("legwork accounts retry acme1m", "legwork accounts retry acme1m --json"))
@click.argument("sid", shell_complete=account_sids)
@json_option
@click.pass_context
def retry_command(ctx: click.Context, sid: str, as_json: bool) -> None:
    """Ask Exotel about an account now, also if it is suspended.

    One request, counted against its quota. A suspension ends if Exotel accepts the credentials; the account is suspended if it
    refuses them.
    """
    ledger = open_ledger(settings_with_redis())
    if sid not in ledger.calls:
        raise CommandFailed(f"{sid}: no such account; known accounts: {', '.join(ledger.calls)}")
    found = retry_account(ledger, sid)
    if as_json:
        print_json(found)
    else:
        click.echo(f"{sid}: {found['answer'].replace('_', ' ')} ({found['text']}); the account is {found['state']}.")
    if found["answer"] != "accepted":
        ctx.exit(CommandFailed.exit_code)

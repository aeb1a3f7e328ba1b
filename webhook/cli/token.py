"""`legwork token create`, `list` and `revoke`: bearer tokens for the API."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import click

from webhook.cli.arguments import GivenTime, given_time
from webhook.cli.columns import Cell, Column, show_table
from webhook.cli.common import examples, json_option, local, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import token_names
from webhook.cli.errors import CommandFailed
from webhook.operations.times import utc
from worker.ledger.registry.tokens import NAME, PREFIX, Scope, Token, TokenNameTaken, Tokens

if TYPE_CHECKING:
    from worker.ledger import Ledger

# Longer than anyone needs, and still within the calendar's range.
_MOST_DAYS = 36_500
_COLUMNS = [
    Column("token", least=12),
    Column("scope"),
    Column("created", drop=1),
    Column("last used", drop=2),
    Column("expires", least=10),
]


def token_name(text: str) -> str:
    """Read the name of a token, as the type of an argument. Raises click.BadParameter."""
    if text.startswith(PREFIX):  # a token must never be printed
        raise click.BadParameter(
            "this looks like the token itself: give its name; `legwork token list` shows the names"
        )
    if not NAME.fullmatch(text):
        raise click.BadParameter(
            f"{text!r}: give up to 63 lower-case letters, digits and -, such as grafana or crm-sync"
        )
    return text


def expiry(text: str) -> GivenTime:
    """Read when a token expires, as the type of an option: a duration (`90d`) or a date. Raises click.BadParameter."""
    try:
        found = given_time(text)
    except click.BadParameter:
        right = "give a duration, such as 12h, 90d or 52w, or the day on which it expires: 2027-01-31"
        raise click.BadParameter(f"{text!r} is not a valid time; {right}") from None
    if isinstance(found.given, timedelta) and found.given.days > _MOST_DAYS:
        raise click.BadParameter(
            f"{text!r} is more than a hundred years; leave the option out for a token that never expires"
        )
    return found


@click.command(
    "create",
    epilog=examples(
        "legwork token create grafana --scope read",
        "TOKEN=$(legwork token create crm-sync --scope operate --expires 90d)",
    ),
)
@click.argument("name", type=token_name)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    required=True,
    help="read: read everything. operate: change things too.",
)
@click.option("--expires", type=expiry, metavar="T", help="In 12h, 90d or 52w, or on 2027-01-31 (UTC); default never.")
@json_option
def create(name: str, scope: str, expires: GivenTime | None, as_json: bool) -> None:
    """Create a token and show it once.

    Only the token goes to standard output; messages go to standard error.
    """
    ledger = open_ledger(settings_with_redis())
    now_ms = ledger.now_ms()
    expires_ms = None if expires is None else _in_ms(expires, now_ms)
    try:
        made = Tokens(ledger.client).create(name, Scope(scope), now_ms=now_ms, expires_ms=expires_ms)
    except TokenNameTaken as error:
        raise CommandFailed(f"{error}: `legwork token revoke {name}`") from None
    if as_json:
        print_json({"name": name, "scope": scope, "expires": utc(expires_ms), "token": made})
        return
    until = "" if expires_ms is None else f" until {local(expires_ms)} UTC"
    click.echo(f"{name} may {scope}{until}. The token, shown only once:", err=True)
    click.echo(made)


@click.command(
    "list",
    epilog=examples("legwork token list", "legwork token list --json | jq '.[] | select(.last_used == null)'"),
)
@json_option
def list_command(as_json: bool) -> None:
    """List tokens: scope, last use, expiry. Never the token itself."""
    ledger = open_ledger(settings_with_redis())
    found, now_ms = Tokens(ledger.client).all(), ledger.now_ms()
    if as_json:
        print_json([_as_document(each, now_ms) for each in found])
    elif found:
        _show(found, now_ms)
    else:
        click.echo("There are no tokens; `legwork token create NAME --scope read` creates one.")


@click.command("revoke", epilog=examples("legwork token revoke grafana"))
@click.argument("name", type=token_name, shell_complete=token_names)
@json_option
def revoke(name: str, as_json: bool) -> None:
    """Revoke a token, at once."""
    ledger = open_ledger(settings_with_redis())
    if not Tokens(ledger.client).revoke(name):
        raise CommandFailed(f"there is no token called {name}; {_names(ledger)}")
    if as_json:
        print_json({"name": name, "revoked": True})
    else:
        click.echo(f"{name} is revoked; the API no longer accepts it.")


def _names(ledger: Ledger) -> str:
    names = ", ".join(each.name for each in Tokens(ledger.client).all())
    return f"there are {names}" if names else "there are none"


def _in_ms(expires: GivenTime, now_ms: float) -> float:
    length = expires.given
    ends_ms = now_ms + length.total_seconds() * 1000 if isinstance(length, timedelta) else expires.in_ms(UTC, now_ms)
    if ends_ms <= now_ms:
        raise click.BadParameter("that is in the past; give a future day, or a duration: 90d", param_hint="--expires")
    return ends_ms


def _as_document(each: Token, now_ms: float) -> dict[str, Any]:
    return {
        "name": each.name,
        "scope": each.scope.value,
        "created": utc(each.created_ms),
        "last_used": utc(each.used_ms),
        "expires": utc(each.expires_ms),
        "expired": each.is_expired(now_ms),
    }


def _show(found: list[Token], now_ms: float) -> None:
    rows: list[list[str | Cell]] = []
    for each in found:
        used = "never" if each.used_ms is None else local(each.used_ms)[:10]
        ends = "never" if each.expires_ms is None else f"{local(each.expires_ms)} UTC"
        shown = Cell(f"{ends}: expired", "red") if each.is_expired(now_ms) else ends
        rows.append([each.name, each.scope.value, local(each.created_ms)[:10], used, shown])
    show_table(_COLUMNS, rows)

"""`legwork calls`: where calls stand, and one call's whole story."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from webhook.cli.common import console, json_option, local, open_ledger, print_json, settings_with_redis, spoken, utc
from webhook.cli.given import call_sid, check_account
from webhook.cli.story import as_document, show
from webhook.cli.trouble import Trouble
from worker.ledger.standing import STATES, CallStanding, call_story, list_calls

if TYPE_CHECKING:
    from worker.ledger import Ledger

_COLOURS = {"waiting": "yellow", "fetching": "cyan", "settled": "green", "dead": "red"}


@click.group()
def calls() -> None:
    """Where calls stand, and the story of one."""


@calls.command("list", epilog="Example: `legwork calls list --state dead`")
@click.option("--state", type=click.Choice(STATES), help="Only the calls in this state.")
@click.option("--account", metavar="SID", help="Only the calls of this account.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="So many at most.")
@json_option
def list_command(state: str | None, account: str | None, limit: int, as_json: bool) -> None:
    """Where calls stand, the newest first."""
    ledger = open_ledger(settings_with_redis())
    check_account(ledger, account)
    found = newest(ledger, [account] if account else list(ledger.calls), [state] if state else STATES, limit)
    if as_json:
        print_json([_as_document(call) for call in found])
    elif found:
        _show(found, ledger.now_ms())
    else:
        click.echo("No such calls." if state or account else "No calls yet: none has been heard of.")


@calls.command("show", epilog="Example: `legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g`")
@click.argument("sid", metavar="SID", type=call_sid)
@json_option
def show_command(sid: str, as_json: bool) -> None:
    """One call's whole story.

    Its callbacks, fetches, records and deliveries, and its legs drawn over time. Numbers are shown in full.
    """
    ledger = open_ledger(settings_with_redis())
    story = next(call_story(ledger, sid), None)
    if story is None:
        raise Trouble(f"{sid}: no such call in the ledger; `legwork calls list` shows those there are")
    if as_json:
        print_json(as_document(story))
    else:
        show(story, ledger.account(story.standing.account_sid).timezone, console())


def newest(ledger: Ledger, accounts: list[str], states: list[str] | tuple[str, ...], limit: int) -> list[CallStanding]:
    """The calls heard of last, each once: one that is settled and being confirmed is settled."""
    found: dict[str, CallStanding] = {}
    for account in accounts:
        for state in states:
            for call in list_calls(ledger, account, state, limit=limit):
                found[call.call_sid] = call
    return sorted(found.values(), key=lambda call: call.since_ms or 0, reverse=True)[:limit]


def _as_document(call: CallStanding) -> dict[str, Any]:
    shown = asdict(call)
    return {**shown, "at": utc(shown.pop("at_ms")), "since": utc(shown.pop("since_ms"))}


def _show(found: list[CallStanding], now_ms: float) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("call", "account", "state", "heard of", "what next"):
        table.add_column(name, no_wrap=name != "what next")
    for call in found:
        heard = f"{spoken(max(0.0, now_ms - call.since_ms) / 1000)} ago" if call.since_ms else "?"
        coloured = f"[{_COLOURS[call.state]}]{call.state}[/]"
        table.add_row(call.call_sid, call.account_sid, coloured, heard, escape(_what_next(call, now_ms)))
    console().print(table)


def _what_next(call: CallStanding, now_ms: float) -> str:
    match call.state:
        case "waiting":
            wait = call.at_ms - now_ms
            return f"a fetch in {spoken(wait / 1000)}" if wait > 0 else "a fetch as soon as the account may be asked"
        case "fetching":
            return "a worker has it"
        case "dead":
            return f"given up at {local(call.at_ms)} UTC: {call.reason or 'no reason noted'}"
        case _:
            return f"settled at {local(call.at_ms)} UTC"

"""`legwork calls show`: one call's timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import call_sid
from webhook.cli.call_filters import numbers_option
from webhook.cli.common import console, examples, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.completion_values import call_sids
from webhook.cli.errors import CommandFailed
from webhook.operations.call_history import as_document
from webhook.operations.masking import Shown
from worker.ledger.queries.filters import SID_PREFIX
from worker.ledger.queries.lookup import call_history, sids_beginning

if TYPE_CHECKING:
    from worker.ledger import Ledger

# How many CallSids are named where a beginning is that of several.
_NAMED = 5
# The length of the shortest CallSid (schemas/fields.py).
_SHORTEST_SID = 8


def _sid_or_beginning(text: str) -> str:
    """Read a CallSid or its beginning, as the type of an argument. Raises click.BadParameter."""
    return text if SID_PREFIX <= len(text) < _SHORTEST_SID and text.isascii() and text.isalnum() else call_sid(text)


@click.command(
    "show",
    epilog=examples(
        "legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
        "legwork calls show 3f9a1c7e --numbers",
    ),
)
@click.argument("sid", metavar="SID", type=_sid_or_beginning, shell_complete=call_sids)
@numbers_option
@json_option
def show_command(sid: str, *, numbers: bool, as_json: bool) -> None:
    """Show one call's timeline.

    Its callbacks, fetches, records and deliveries, and its legs drawn over time. SID is a CallSid, or its first 6 characters
    or more. Numbers are masked to their last four digits unless --numbers is given.
    """
    from webhook.cli.call_history import show  # noqa: PLC0415  it draws with rich, which `--json` does not need

    ledger = open_ledger(settings_with_redis())
    history = call_history(ledger, sid) or call_history(ledger, _completed(ledger, sid))
    if history is None:  # forgotten in this moment
        raise CommandFailed(_unknown(sid))
    ledger.refresh_sinks()
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)
    if as_json:
        print_json(shown.document(as_document(history)))
    else:
        show(history, ledger, console(), shown)


def _completed(ledger: Ledger, beginning: str) -> str:
    """Return the one CallSid that begins so. Raises CommandFailed if there is none, or more than one."""
    found = [sid for account in ledger.calls for sid in sids_beginning(ledger, account, beginning, most=_NAMED)]
    if len(found) > 1:
        more = ", …" if len(found) > _NAMED else ""
        raise CommandFailed(f"{beginning}: several calls begin so: {', '.join(found[:_NAMED])}{more}; give more of it")
    if not found:
        raise CommandFailed(_unknown(beginning))
    return found[0]


def _unknown(sid: str) -> str:
    return f"{sid}: no such call in the ledger; `legwork calls list` lists the calls"

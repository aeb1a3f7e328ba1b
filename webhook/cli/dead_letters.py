"""Options and messages that the `dead` commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from webhook.cli.arguments import check_account, check_sink
from webhook.cli.common import open_ledger, settings_with_redis
from webhook.cli.completion_values import account_sids, sink_names
from webhook.operations import dead_letters

if TYPE_CHECKING:
    from worker.ledger.queries.dead_letters import DeadLetter

#: The hint for a call that has no failure.
RIGHT = "`legwork dead list` lists failed calls and dead letters."

account_option = click.option("--account", metavar="SID", shell_complete=account_sids, help="Only this account.")
sink_option = click.option("--sink", metavar="NAME", shell_complete=sink_names, help="Only deliveries to this sink.")
reason_option = click.option("--reason", metavar="TEXT", help="Only where the reason contains TEXT; case is ignored.")


class DeadLetters(dead_letters.DeadLetters):
    """The dead letters, filtered by account, by sink and by a text in their reason; checks the options."""

    def __init__(self, account: str | None = None, sink: str | None = None, reason: str | None = None) -> None:
        ledger = open_ledger(settings_with_redis())
        check_account(ledger, account)
        check_sink(ledger, sink, account)
        super().__init__(ledger, account, sink, reason)


def why_not(found: list[DeadLetter] | None) -> str:
    """Return why there is nothing to do for a call."""
    return "no such call in the ledger" if found is None else "neither failed nor has dead letters that match"

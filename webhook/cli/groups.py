"""`legwork accounts`, `calls`, `report`, `dead`, `sinks` and `token`: groups of commands, which are imported on first use."""

from __future__ import annotations

import click

from webhook.cli.common import examples
from webhook.cli.table import Entry, TableGroup

# Each line is the first sentence of the command's help; a test checks that.
_CALLS = {
    "list": Entry("Commands", "List calls, newest first.", "webhook.cli.calls:list_command"),
    "find": Entry("Commands", "Find calls by CallSid, number or custom field.", "webhook.cli.calls_find:find_command"),
    "export": Entry(
        "Commands", "Export calls as CSV or JSON lines, newest first.", "webhook.cli.calls_export:export_command"
    ),
    "fetch": Entry(
        "Commands", "Fetch calls now, regardless of their schedules.", "webhook.cli.calls_fetch:fetch_command"
    ),
    "show": Entry("Commands", "Show one call's timeline.", "webhook.cli.calls_show:show_command"),
}
_ACCOUNTS = {
    "list": Entry("Commands", "List accounts: state, calls, quota.", "webhook.cli.accounts:list_command"),
    "retry": Entry(
        "Commands", "Ask Exotel about an account now, also if it is suspended.", "webhook.cli.accounts:retry_command"
    ),
}
_REPORT = {
    "agents": Entry(
        "Commands", "Report on agents: tried, answered, missed, talk time, longest wait.", "webhook.cli.report:agents"
    ),
    "missed": Entry(
        "Commands",
        "Report on missed calls by customer, and whether somebody has spoken to them since.",
        "webhook.cli.report:missed",
    ),
    "hours": Entry(
        "Commands",
        "Report on the hours of the day: inbound calls, answered, missed, how long callers waited.",
        "webhook.cli.report:hours",
    ),
    "callers": Entry(
        "Commands", "Report on callers: how often each called, was answered, was missed.", "webhook.cli.report:callers"
    ),
}
_DEAD = {
    "list": Entry(
        "Commands",
        "List failed calls and dead letters: counts by reason, then the most recent.",
        "webhook.cli.dead:list_command",
    ),
    "show": Entry("Commands", "Show why a call's fetch or deliveries failed.", "webhook.cli.dead:show_command"),
    "retry": Entry("Commands", "Retry failed calls and dead letters.", "webhook.cli.dead_retry:retry"),
    "drop": Entry("Commands", "Drop failed calls and dead letters for good.", "webhook.cli.dead_retry:drop"),
}
_SINKS = {
    "list": Entry("Commands", "List sinks: destination, records, state.", "webhook.cli.sinks:list_command"),
    "add": Entry("Commands", "Add a webhook subscriber.", "webhook.cli.sinks_edit:add"),
    "update": Entry("Commands", "Change a webhook subscriber.", "webhook.cli.sinks_update:update"),
    "remove": Entry(
        "Commands", "Remove a subscriber and drop its waiting deliveries.", "webhook.cli.sinks_edit:remove"
    ),
    "disable": Entry(
        "Commands",
        "Pause deliveries to a sink until it is enabled; they are kept.",
        "webhook.cli.sinks:disable",
    ),
    "enable": Entry("Commands", "Resume deliveries to a sink, and reset its failures.", "webhook.cli.sinks:enable"),
    "retry": Entry(
        "Commands",
        "Retry all waiting deliveries to a sink now, instead of at their scheduled times.",
        "webhook.cli.sinks:retry",
    ),
    "rotate-secret": Entry("Commands", "Rotate the signing secret.", "webhook.cli.sinks_edit:rotate_secret"),
    "test": Entry(
        "Commands",
        "Send a webhook a signed ping and show request and response; run the check of any other sink.",
        "webhook.cli.sinks:test",
    ),
    "recover": Entry(
        "Commands",
        "Backfill a sink: deliver the records since T that it never received, dead letters included.",
        "webhook.cli.sinks:recover",
    ),
    "key": Entry("Commands", "Generate a key for LEGWORK_SECRET_KEY.", "webhook.cli.sinks_edit:key"),
}

_TOKEN = {
    "create": Entry("Commands", "Create a token and show it once.", "webhook.cli.token:create"),
    "list": Entry(
        "Commands",
        "List tokens: scope, last use, expiry.",
        "webhook.cli.token:list_command",
    ),
    "revoke": Entry("Commands", "Revoke a token, at once.", "webhook.cli.token:revoke"),
}


@click.group(
    cls=TableGroup,
    table=_CALLS,
    epilog=examples(
        "legwork calls list --state dead",
        "legwork calls find 0614",
        "legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
    ),
)
def calls() -> None:
    """List, find, show, fetch and export calls."""


@click.group(cls=TableGroup, table=_ACCOUNTS, epilog=examples("legwork accounts list", "legwork accounts retry acme1m"))
def accounts() -> None:
    """Exotel's accounts: list, retry."""


@click.group(
    cls=TableGroup,
    table=_REPORT,
    epilog=examples("legwork report missed --since 24h", "legwork report agents --since 7d --format csv"),
)
def report() -> None:
    """Reports: agents, missed calls, hours of the day, callers.

    Of the records in the ledger, by when calls began, or with --from of files that sinks have written. The newest record of a
    call counts; a call without one does not. docs/reports.md has the same as SQL for the SQL sinks.
    """


@click.group(
    cls=TableGroup,
    table=_DEAD,
    epilog=examples(
        "legwork dead list", "legwork dead show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "legwork dead retry --all --yes"
    ),
)
def dead() -> None:
    """Failed calls and dead letters: list, show, retry, drop.

    Nothing is lost: they wait until you retry or drop them.
    """


@click.group(
    cls=TableGroup,
    table=_SINKS,
    epilog=examples("legwork sinks list", "legwork sinks test crm", "legwork sinks disable crm"),
)
def sinks() -> None:
    """Destinations of records, and webhook subscribers added at run time.

    Change sinks of SINKS and legwork.toml there; those added here are stored in Redis, with their secrets encrypted by
    LEGWORK_SECRET_KEY.
    """


@click.group(
    cls=TableGroup,
    table=_TOKEN,
    epilog=examples(
        "legwork token create grafana --scope read --expires 90d",
        'curl -H "Authorization: Bearer $TOKEN" http://localhost:8000/api/status',
    ),
)
def token() -> None:
    """Bearer tokens for the API.

    A token is shown once, when it is created; the ledger stores only a digest. It is valid from any address, whether or not
    CONSOLE_PASSWORD is set.
    """

"""`legwork calls`, `dead`, `sinks` and `token`: groups of commands, which are imported when they are run."""

from __future__ import annotations

import click

from webhook.cli.common import examples
from webhook.cli.table import Entry, TableGroup

# The line is the first sentence of the command's help; a test holds that.
_CALLS = {
    "list": Entry("Commands", "Where calls stand, the newest first.", "webhook.cli.calls:list_command"),
    "find": Entry(
        "Commands", "The calls that a number was in, the newest first.", "webhook.cli.calls_find:find_command"
    ),
    "fetch": Entry(
        "Commands", "Fetch calls now, whatever their schedules say.", "webhook.cli.calls_fetch:fetch_command"
    ),
    "show": Entry("Commands", "One call's whole story.", "webhook.cli.calls:show_command"),
}
_DEAD = {
    "list": Entry(
        "Commands", "What was given up on: counted by reason, and the last ones of it.", "webhook.cli.dead:list_command"
    ),
    "show": Entry("Commands", "What of a call was given up on, and why.", "webhook.cli.dead:show_command"),
    "retry": Entry("Commands", "Try again what was given up on.", "webhook.cli.dead_retry:retry"),
    "drop": Entry("Commands", "Let go of what was given up on, for good.", "webhook.cli.dead_retry:drop"),
}
_SINKS = {
    "list": Entry(
        "Commands", "Every sink: where it writes, what it gets, how it is.", "webhook.cli.sinks:list_command"
    ),
    "add": Entry("Commands", "Add a webhook subscriber.", "webhook.cli.sinks_edit:add"),
    "remove": Entry("Commands", "Remove a subscriber, and drop what waits for it.", "webhook.cli.sinks_edit:remove"),
    "disable": Entry(
        "Commands",
        "Deliver nothing to a sink until it is enabled; what waits for it is kept.",
        "webhook.cli.sinks:disable",
    ),
    "enable": Entry("Commands", "Deliver to a sink again, as if nothing had been.", "webhook.cli.sinks:enable"),
    "rotate-secret": Entry("Commands", "Make a new signing secret.", "webhook.cli.sinks_edit:rotate_secret"),
    "test": Entry(
        "Commands",
        "Send a webhook a signed ping, and show request and answer; have any other sink look at itself.",
        "webhook.cli.sinks:test",
    ),
    "recover": Entry(
        "Commands",
        "Deliver all that a sink never got of the calls decided since: what it gave up on, what came before it was added.",
        "webhook.cli.sinks:recover",
    ),
    "key": Entry("Commands", "Print a fresh key for LEGWORK_SECRET_KEY.", "webhook.cli.sinks_edit:key"),
}

_TOKEN = {
    "create": Entry("Commands", "Make a token, and show it this once.", "webhook.cli.token:create"),
    "list": Entry(
        "Commands",
        "Every token: what it is good for, when it was used, when it ends.",
        "webhook.cli.token:list_command",
    ),
    "revoke": Entry("Commands", "Listen to a token no more, at once.", "webhook.cli.token:revoke"),
}


@click.group(
    cls=TableGroup,
    table=_CALLS,
    epilog=examples(
        "legwork calls list --state dead",
        "legwork calls find +919000000001",
        "legwork calls show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g",
    ),
)
def calls() -> None:
    """Where calls stand, and the story of one."""


@click.group(
    cls=TableGroup,
    table=_DEAD,
    epilog=examples(
        "legwork dead list", "legwork dead show 3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "legwork dead retry --all"
    ),
)
def dead() -> None:
    """What was given up on, fetches and deliveries.

    None of it is lost: it waits until you retry it or drop it.
    """


@click.group(
    cls=TableGroup,
    table=_SINKS,
    epilog=examples("legwork sinks list", "legwork sinks test crm", "legwork sinks disable crm"),
)
def sinks() -> None:
    """Where records go, and webhook subscribers added while all is running.

    Sinks of SINKS and legwork.toml are changed there; those added here are kept in Redis, their secrets encrypted
    under LEGWORK_SECRET_KEY.
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
    """What programs show at the API, in the password's place.

    A token is shown once, when it is made; the ledger keeps a digest of it. Whoever has one gets in from anywhere, whether
    CONSOLE_PASSWORD is set or not.
    """

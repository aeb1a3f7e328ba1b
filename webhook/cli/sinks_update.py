"""`legwork sinks update`: change a webhook subscriber."""

from __future__ import annotations

from typing import Any

import click
from marshmallow import ValidationError

from schemas.subscriber_change import load_change
from webhook.cli.common import examples, json_option, print_json
from webhook.cli.completion_values import sink_names
from webhook.cli.sink_operations import open_sinks_for_command, translate_errors
from webhook.cli.subscriber import change_of, problems


@click.command(
    epilog=examples(
        "legwork sinks update crm --url https://crm.example.com/v2/hooks",
        "legwork sinks update crm --rate 10/s --no-filter",
    )
)
@click.argument("name", shell_complete=sink_names)
@click.option("--url", metavar="URL", help="Where records are sent, those that wait too.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Record type it receives, in place of all others.")
@click.option("--no-type", "no_types", is_flag=True, help="Receive all records about calls.")
@click.option("--filter", "filter", metavar="JMESPATH", help="Only records for which this expression is true.")
@click.option("--no-filter", is_flag=True, help="Remove the filter.")
@click.option("--projection", metavar="JMESPATH", help="Expression whose result replaces the record's data.")
@click.option("--no-projection", is_flag=True, help="Remove the projection.")
@click.option("--rate", metavar="N/s", help="Maximum request rate: 10/s, 600/m, 5000/h.")
@click.option("--no-rate", is_flag=True, help="Remove the maximum rate.")
@click.option("--concurrency", type=int, metavar="N", help="At most N deliveries at once.")
@click.option("--no-concurrency", is_flag=True, help="Remove that maximum.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="Header to set; the others stay. The value may be env:NAME.",
)
@click.option("--no-header", "no_headers", multiple=True, metavar="NAME", help="Header to remove.")
@click.option("--ca-file", metavar="PATH", help="CA certificates to verify its certificate.")
@click.option("--no-ca-file", is_flag=True, help="Verify with the usual CA certificates.")
@click.option("--allow-private/--no-allow-private", default=None, help="Allow private addresses, or no longer.")
@click.option(
    "--allow-network",
    "allow_networks",
    multiple=True,
    metavar="CIDR",
    help="Allow this private network, in place of all others.",
)
@click.option("--no-allow-network", "no_allow_networks", is_flag=True, help="Allow no private network.")
@click.option("--unchecked", is_flag=True, help="Change it without a test request.")
@json_option
def update(name: str, unchecked: bool, as_json: bool, **given: Any) -> None:
    """Change a webhook subscriber. What is not named stays, and so do its secret and its waiting deliveries.

    Refused if nothing answers at a new URL or its certificate is not valid; --unchecked changes it anyway. `rotate-secret`
    changes the secret.
    """
    document = change_of(given)
    if not document:
        raise click.UsageError("nothing to change; give --url, --rate, --no-filter or another option")
    operations, _ = open_sinks_for_command()
    try:
        change = load_change(document)
    except ValidationError as error:
        raise click.UsageError(problems(error)) from None
    described = translate_errors(lambda: operations.update(name, change, unchecked=unchecked), wrong=click.UsageError)
    if as_json:
        print_json(described)
        return
    click.echo(f"{name} is updated.")
    if described["state"] == "disabled":
        click.echo(f"It is disabled; `legwork sinks enable {name}` enables it.")

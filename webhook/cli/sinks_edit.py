"""`legwork sinks add`, `remove`, `rotate-secret` and `key`: webhook subscribers at run time."""

from __future__ import annotations

import sys
from typing import Any

import click
from marshmallow import ValidationError

from schemas.subscriber import load_subscriber
from webhook.cli.common import examples, json_option, print_json
from webhook.cli.completion_values import account_sids, sink_names
from webhook.cli.progress import progress
from webhook.cli.sink_operations import open_sinks_for_command, translate_errors
from webhook.cli.subscriber import document_of, problems
from worker.encryption import new_key


@click.command(
    epilog=examples(
        "legwork sinks add crm https://crm.example.com/hooks --filter 'data.talk_seconds > `0`'",
        "legwork sinks add crm https://crm.example.com/hooks --unchecked --rate 10/s",
    )
)
@click.argument("name")
@click.argument("url")
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Record type it receives; default: all about calls."
)
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="SID",
    shell_complete=account_sids,
    help="Account whose records it receives; default: all.",
)
@click.option("--filter", "filter", metavar="JMESPATH", help="Only records for which this expression is true.")
@click.option("--projection", metavar="JMESPATH", help="Expression whose result replaces the record's data.")
@click.option("--rate", metavar="N/s", help="Maximum request rate: 10/s, 600/m, 5000/h.")
@click.option("--concurrency", type=int, metavar="N", help="At most N deliveries at once.")
@click.option(
    "--secret",
    metavar="WHSEC",
    help="Signing secret to use instead of a generated one; env:NAME reads a variable, - standard input.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="Header sent with each request; the value may be env:NAME.",
)
@click.option("--ca-file", metavar="PATH", help="CA certificates to verify its certificate.")
@click.option("--allow-private", is_flag=True, help="Allow private addresses.")
@click.option("--allow-network", "allow_networks", multiple=True, metavar="CIDR", help="Allow this private network.")
@click.option("--unchecked", is_flag=True, help="Add it without a test request.")
@json_option
def add(unchecked: bool, as_json: bool, **given: Any) -> None:
    """Add a webhook subscriber. Its signing secret is generated and shown once.

    Refused if nothing answers at its URL or its certificate is not valid; --unchecked adds it anyway.
    """
    operations, _ = open_sinks_for_command()
    try:
        spec = load_subscriber(document_of(given))
        described, secret = translate_errors(lambda: operations.add(spec, unchecked=unchecked), wrong=click.UsageError)
    except ValidationError as error:
        raise click.UsageError(problems(error)) from None
    if as_json:
        print_json({**described, "secret": secret or None})
        return
    click.echo(f"{described['name']} receives records from now on.")
    if secret:
        click.echo(f"Its signing secret, shown only once: {secret}")
    click.echo(f"`legwork sinks test {described['name']}` sends it a ping.")


@click.command(epilog=examples("legwork sinks remove crm", "legwork sinks remove crm --yes"))
@click.argument("name", shell_complete=sink_names)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a subscriber and drop its waiting deliveries. Counts and asks first."""
    operations, _ = open_sinks_for_command()
    waiting = translate_errors(lambda: operations.would_drop(name))
    if waiting and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{waiting} waiting deliveries to {name} would be dropped; give --yes")
        click.confirm(f"Drop the waiting deliveries to {name} ({waiting})?", abort=True, err=True)
    with progress("dropping", as_json=as_json):
        dropped = translate_errors(lambda: operations.remove(name))
    if as_json:
        print_json({"name": name, "dropped": dropped})
    else:
        click.echo(f"{name} is removed; deliveries dropped: {dropped}.")


@click.command(
    "rotate-secret", epilog=examples("legwork sinks rotate-secret crm", "legwork sinks rotate-secret crm --finish")
)
@click.argument("name", shell_complete=sink_names)
@click.option("--finish", is_flag=True, help="Expire the old secrets: the subscriber has the new one.")
@json_option
def rotate_secret(name: str, finish: bool, as_json: bool) -> None:
    """Rotate the signing secret. Until --finish, the old ones sign too."""
    operations, _ = open_sinks_for_command()
    if finish:
        dropped = translate_errors(lambda: operations.finish_rotation(name))
        document: dict[str, Any] = {"name": name, "out_of_use": dropped}
        text = f"Only the newest secret of {name} signs now; expired: {dropped}."
    else:
        secret = translate_errors(lambda: operations.rotate_secret(name))
        document = {"name": name, "secret": secret}
        text = f"Its new signing secret, shown only once: {secret}\nThe old one signs too, until `--finish`."
    if as_json:
        print_json(document)
    else:
        click.echo(text)


@click.command(epilog=examples("legwork sinks key", 'echo "LEGWORK_SECRET_KEY=$(legwork sinks key)" >> .env'))
@json_option
def key(as_json: bool) -> None:
    """Generate a key for LEGWORK_SECRET_KEY.

    To rotate it, put the new key before the old one. Keep the old one as long as sinks are encrypted with it.
    """
    fresh = new_key()
    if as_json:
        print_json({"key": fresh})
    else:
        click.echo(fresh)

"""`legwork sinks`: where records go, and subscribers that come and go while all is running."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from marshmallow import ValidationError
from rich.progress import Progress

from schemas.subscriber import load_subscriber
from webhook.cli.common import console, json_option, open_ledger, print_json, settings_with_redis
from webhook.cli.given import Moment, moment, moments_of
from webhook.cli.sinks_shown import show_exchange, show_list
from webhook.cli.subscriber import document_of, problems
from webhook.cli.trouble import BadSettings, Trouble
from webhook.sinks import SinkDesk
from worker.errors import LegworkError
from worker.ledger.purging import left_behind
from worker.ledger.replaying import Fate
from worker.vault import Locked, new_key

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.replaying import Tally


@click.group()
def sinks() -> None:
    """Where records go, and webhook subscribers added while all is running.

    Sinks of SINKS and legwork.toml are changed there; those added here are kept in Redis, their secrets encrypted
    under LEGWORK_SECRET_KEY.
    """


def _desk() -> tuple[SinkDesk, Ledger]:
    ledger = open_ledger(settings_with_redis())
    return SinkDesk(ledger), ledger


@sinks.command("list", epilog="Example: `legwork sinks list --json | jq '.[] | select(.state != \"active\")'`")
@json_option
def list_command(as_json: bool) -> None:
    """Every sink: where it writes, what it gets, how it is."""
    desk, ledger = _desk()
    found = desk.descriptions()
    left = [
        {"name": name, "source": "left behind", "waiting": desk.waiting_for(name)}
        for name in sorted(left_behind(ledger))
    ]
    if as_json:
        print_json(found + left)
        return
    show_list(found, left)


@sinks.command(
    epilog="Example: `legwork sinks add crm https://crm.example.com/hooks --type legwork.call.completed "
    "--filter 'data.talk_seconds > `0`'`"
)
@click.argument("name")
@click.argument("url")
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="A type of records that it gets; default all calls."
)
@click.option(
    "--account", "accounts", multiple=True, metavar="SID", help="An account whose records it gets; default all."
)
@click.option("--filter", "filter", metavar="JMESPATH", help="Only records for which this is true.")
@click.option("--projection", metavar="JMESPATH", help="What it gets as a record's data.")
@click.option("--rate", metavar="N/s", help="No more requests than these: 10/s, 600/m, 5000/h.")
@click.option("--concurrency", type=int, metavar="N", help="No more deliveries at once than these.")
@click.option(
    "--secret",
    metavar="WHSEC",
    help="Its own signing secret, if it is not to be made here; env:NAME takes it from a variable, - from standard input.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="A header that each request carries; the value may be env:NAME.",
)
@click.option("--ca-file", metavar="PATH", help="Certificates of its own authority.")
@click.option("--allow-private", is_flag=True, help="It may be at a private address.")
@click.option(
    "--allow-network", "allow_networks", multiple=True, metavar="CIDR", help="A private network it may be in."
)
@click.option("--unchecked", is_flag=True, help="Add it though nobody answers there yet.")
@json_option
def add(unchecked: bool, as_json: bool, **given: Any) -> None:
    """Add a webhook subscriber. Its signing secret is made here, and shown this once.

    Refused where nobody answers at its URL, by a certificate that holds; --unchecked adds it all the same.
    """
    desk, _ = _desk()
    try:
        spec = load_subscriber(document_of(given))
        if not unchecked:
            _told(lambda: desk.reach(spec), wrong=click.UsageError)
        described, secret = _told(lambda: desk.add(spec), wrong=click.UsageError)
    except ValidationError as error:
        raise click.UsageError(problems(error)) from None
    if as_json:
        print_json({**described, "secret": secret or None})
        return
    click.echo(f"{described['name']} gets records from now on.")
    if secret:
        click.echo(f"Its signing secret, shown this once: {secret}")
    click.echo(f"`legwork sinks test {described['name']}` sends it a ping.")


@sinks.command(epilog="Example: `legwork sinks remove crm`")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a subscriber, and drop what waits for it. Counts first, and asks."""
    desk, _ = _desk()
    waiting = _told(lambda: desk.would_drop(name))
    if waiting and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"deliveries that wait for {name} and would be dropped: {waiting}; give --yes")
        click.confirm(f"Drop what waits for {name} (deliveries: {waiting})?", abort=True, err=True)
    dropped = _told(lambda: desk.remove(name))
    if as_json:
        print_json({"name": name, "dropped": dropped})
    else:
        click.echo(f"{name} is removed; deliveries dropped: {dropped}.")


@sinks.command(epilog="Example: `legwork sinks disable crm --reason 'moves house on Friday'`")
@click.argument("name")
@click.option("--reason", default="by the operator", show_default=True, metavar="TEXT", help="What `status` is to say.")
@json_option
def disable(name: str, reason: str, as_json: bool) -> None:
    """Deliver nothing to a sink until it is enabled; what waits for it is kept."""
    desk, _ = _desk()
    changed = _told(lambda: desk.disable(name, reason))
    _tell_state(desk, name, f"{name} is disabled." if changed else f"{name} was disabled already.", as_json)


@sinks.command(epilog="Example: `legwork sinks enable crm`")
@click.argument("name")
@json_option
def enable(name: str, as_json: bool) -> None:
    """Deliver to a sink again, as if nothing had been."""
    desk, _ = _desk()
    changed = _told(lambda: desk.enable(name))
    _tell_state(desk, name, f"{name} is enabled." if changed else f"{name} was active.", as_json)


def _tell_state(desk: SinkDesk, name: str, text: str, as_json: bool) -> None:
    if as_json:
        print_json(desk.describe(name))
    else:
        click.echo(text)


@sinks.command(
    "rotate-secret", epilog="Example: `legwork sinks rotate-secret crm`, and days later the same with --finish"
)
@click.argument("name")
@click.option("--finish", is_flag=True, help="The subscriber has the new one: sign with that alone.")
@json_option
def rotate_secret(name: str, finish: bool, as_json: bool) -> None:
    """Make a new signing secret. Until --finish, records are signed with the old ones too."""
    desk, _ = _desk()
    if finish:
        dropped = _told(lambda: desk.finish_rotation(name))
        document: dict[str, Any] = {"name": name, "out_of_use": dropped}
        text = f"{name} is signed with its newest secret alone; out of use: {dropped}."
    else:
        secret = _told(lambda: desk.rotate_secret(name))
        document = {"name": name, "secret": secret}
        text = f"Its new signing secret, shown this once: {secret}\nThe old one signs too, until `--finish`."
    if as_json:
        print_json(document)
    else:
        click.echo(text)


@sinks.command(epilog="Example: `legwork sinks test crm`")
@click.argument("name")
@json_option
def test(name: str, as_json: bool) -> None:
    """Send a webhook a signed ping, and show request and answer; have any other sink look at itself.

    Exits with 1 if that did not go well.
    """
    desk, _ = _desk()
    _told(lambda: desk.spec(name))
    try:
        found = desk.test(name)
    except (LegworkError, OSError) as error:
        raise Trouble(f"{name}: {error}") from None
    if isinstance(found, str):
        click.echo(f"{name}: {found}") if not as_json else print_json({"name": name, "check": found})
        return
    good = found.status is not None and 200 <= found.status < 300  # noqa: PLR2004  the class of successes
    if as_json:
        print_json({"name": name, "delivered": good, **asdict(found), "answer_headers": dict(found.answer_headers)})
    else:
        show_exchange(found)
    if not good:
        raise Trouble(f"{name}: {found.error or f'answered {found.status}'}")


@sinks.command(epilog="Example: `legwork sinks recover crm --since 2d --dry-run`, then without --dry-run")
@click.argument("name")
@click.option("--since", type=moment, metavar="T", required=True, help="2h or 3d ago, or 2026-09-16T05:30:00Z.")
@click.option("--until", type=moment, metavar="T", help="The end of that span, if it is not now.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@json_option
def recover(name: str, since: Moment, until: Moment | None, dry_run: bool, as_json: bool) -> None:
    """Deliver all that a sink never got of the calls decided since: what it gave up on, what came before it was added.

    Enables the sink. May be broken off and run again.
    """
    desk, ledger = _desk()
    spans = moments_of(ledger, since, until)
    done: Tally = Counter()
    steps = desk.recover(name, spans, dry_run=dry_run)
    asked = _told(lambda: next(steps))
    to_queue = asked[name, Fate.QUEUED]
    with Progress(console=console(), disable=as_json or not sys.stdout.isatty(), transient=True) as bar:
        task = bar.add_task("queueing", total=to_queue)
        for counts in steps:
            done.update(counts)
            bar.advance(task, counts[name, Fate.QUEUED])
    document = {
        "name": name,
        "dry_run": dry_run,
        "to_queue": to_queue,
        "queued": done[name, Fate.QUEUED],
        "waiting": asked[name, Fate.WAITING],
        "delivered": asked[name, Fate.DELIVERED],
    }
    if as_json:
        print_json(document)
    else:
        queued = "nothing was queued: it was a dry run" if dry_run else f"queued: {document['queued']}"
        click.echo(f"{name} never got {to_queue} of these records, {document['waiting']} wait already; {queued}.")


@sinks.command(epilog='Example: `echo "LEGWORK_SECRET_KEY=$(legwork sinks key)" >> .env`')
@json_option
def key(as_json: bool) -> None:
    """Print a fresh key for LEGWORK_SECRET_KEY.

    To rotate it, put the new one before the old one; the old one is needed as long as anything was added under it.
    """
    fresh = new_key()
    if as_json:
        print_json({"key": fresh})
    else:
        click.echo(fresh)


def _told(act: Any, *, wrong: type[click.ClickException] = Trouble) -> Any:
    try:
        return act()
    except ValidationError as error:
        raise wrong(problems(error)) from None
    except Locked as error:
        raise BadSettings(str(error)) from None
    except LegworkError as error:
        raise Trouble(str(error)) from None

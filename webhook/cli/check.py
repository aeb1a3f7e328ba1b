"""`legwork check`: tests everything that the settings name, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from webhook.cli.common import console, examples, json_option, print_json, settings_here
from webhook.cli.errors import CommandFailed
from webhook.operations import checks
from webhook.operations.finding import Finding, Verdict
from webhook.operations.standing import check_standing
from worker.connections import connect
from worker.ledger import Ledger
from worker.numbers.masking import Mask
from worker.secret_masking import secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.settings import Settings

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.WRONG: "red"}


@click.command(epilog=examples("legwork check", "legwork check --json"))
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Test everything that the settings name.

    Redis and its configuration, the ledger, the Exotel credentials (one request per account) and every sink; then the state
    of each account and each sink in the ledger. One line each: ok, warning or wrong, and what to change. Exits with 1 if
    anything is wrong, such as a suspended account, or a sink that fails or is disabled. What is late or has failed after all
    retries is a warning, and so is that no worker is running.
    """
    settings = settings_here()
    mask = Mask(secrets_of(settings))
    screen, findings = None if as_json else console(), []
    for finding in check_everything(settings, mask):
        found = finding.masked(mask)
        findings.append(found)
        if screen is not None:
            from rich.text import Text  # noqa: PLC0415  --json does not need it

            verdict = f"{found.verdict:<8}", _COLOURS[found.verdict]
            screen.print(Text.assemble(verdict, f"{found.about}: {found.text}"), soft_wrap=True)
    if as_json:
        print_json([finding.as_document() for finding in findings])
    if any(finding.verdict is Verdict.WRONG for finding in findings):
        ctx.exit(CommandFailed.exit_code)


def check_everything(settings: Settings, mask: Mask) -> Iterator[Finding]:
    """Yield each finding as soon as it is known."""
    yield from checks.check_settings(settings)
    ledger = None
    if settings.redis_url is None:
        hint = "REDIS_URL is not set; give redis://host:6379/0, or run `legwork up`, which has its own"
        yield Finding("redis", Verdict.WRONG, hint)
    else:
        client = connect(settings)
        click.get_current_context().call_on_close(client.close)
        reached = checks.check_redis(settings, client)
        yield reached
        if reached.verdict is Verdict.OK:
            ledger = Ledger(client, settings)
            yield from checks.check_capacity(client)
            yield from checks.check_durability(client)
            yield from checks.check_ledger(ledger)
        if reached.verdict is Verdict.OK or settings.broker_url != settings.redis_url:
            yield from checks.check_broker(settings)
    yield from checks.check_exotel(settings, ledger)
    if ledger is not None:
        yield from checks.check_subscribers(ledger)
        for spec in ledger.sinks.values():
            mask.learn(secrets_of_sink(spec))
    yield from checks.check_sinks(settings.sinks if ledger is None else ledger.sinks.values())
    if ledger is not None:
        yield from check_standing(ledger)

"""`legwork urls`: the callback URLs to paste into Exotel."""

from __future__ import annotations

import click

from webhook.cli.common import examples, json_option, note, print_json, settings_here
from webhook.operations.callback_urls import callback_urls


@click.command(epilog=examples("legwork urls", "legwork urls --json | jq -r '.callback_urls[].passthru'"))
@json_option
def urls(as_json: bool) -> None:
    """Show the callback URLs to paste into Exotel.

    They begin with PUBLIC_URL, the address by which Exotel reaches the web process. They hold the callback token, which is
    secret.
    """
    settings = settings_here()
    found = callback_urls(settings)
    if settings.public_url is None:
        note(
            "PUBLIC_URL is not set: these URLs work on this machine only. Set it to the address by which Exotel reaches it."
        )
    if as_json:
        print_json({"public_url": settings.public_url, "callback_urls": found})
        return
    for sid, by_kind in found.items():
        click.echo(sid)
        for kind, url in by_kind.items():
            click.echo(f"  {kind:<9} {url}")

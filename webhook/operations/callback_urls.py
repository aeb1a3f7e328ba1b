"""The URLs that Exotel calls: what people paste into its applets and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.addresses import seen_from_here

if TYPE_CHECKING:
    from schemas.settings import Settings

KINDS = ("passthru", "status")


def web_url(settings: Settings, name: str = "localhost") -> str:
    """Return web's URL on this machine; `name` is this machine's name in it."""
    return f"http://{seen_from_here(settings.host, name=name)}:{settings.port}"


def callback_urls(settings: Settings, base_url: str | None = None) -> dict[str, dict[str, str]]:
    """Return the callback URLs of each account, by kind: with PUBLIC_URL, or else as seen from this machine.

    They hold the account's callback token, the newest if there are several: show them only to somebody who asks. `base_url`
    stands in for PUBLIC_URL.
    """
    base = base_url or settings.public_url or web_url(settings)
    return {
        account.sid: {kind: f"{base}/callbacks/{account.callback_tokens[0]}/{kind}" for kind in KINDS}
        for account in settings.accounts
    }

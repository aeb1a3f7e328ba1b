"""Decides from the request alone, without a thread and without Redis, who may send a callback's body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.callbacks.auth import account_for, is_allowed
from webhook.http.proxies import client_address
from webhook.serving.bodies import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from schemas.settings import Settings

# `/callbacks/<token>/<kind>`, with or without a trailing slash.
_START, _PARTS = "/callbacks/", 4


def known_senders(settings: Settings) -> Callable[[WSGIEnvironment], int | None]:
    """Return a function that gives a body's limit: MAX_BODY_BYTES for a callback with a valid token from an allowed address.

    It returns None for everything else, refused senders included: the application refuses them, and logs and counts it.
    """

    def limit(environ: WSGIEnvironment) -> int | None:
        path = environ["PATH_INFO"]
        if not path.startswith(_START) or len(parts := path.split("/")) < _PARTS:
            return None
        # WSGI decodes the bytes as Latin-1 (PEP 3333).
        token = parts[2].encode("latin-1").decode("utf-8", "replace")
        if account_for(token, settings.accounts) is None:
            return None
        return MAX_BODY_BYTES if is_allowed(_address(environ, settings), settings.callback_allow) else None

    return limit


def _address(environ: WSGIEnvironment, settings: Settings) -> str:
    peer: str = environ["REMOTE_ADDR"]
    seen = environ.get("HTTP_X_FORWARDED_FOR")
    if seen is None or not settings.trusted_proxies:
        return peer
    return client_address(seen, settings.trusted_proxies, peer)

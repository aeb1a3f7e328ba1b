"""Decides from the request alone, without a thread and without Redis, what is known of a callback before its body is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webhook.callbacks.auth import account_for, is_allowed
from webhook.http.proxies import client_of
from webhook.serving.bodies import MAX_BODY_BYTES
from worker import metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import WSGIEnvironment

    from schemas.settings import Settings
    from worker.ledger.meters import Meters

# `/callbacks/<token>/<kind>`, with or without a trailing slash.
_START, _PARTS = "/callbacks/", 4
_KINDS = frozenset({"passthru", "status"})


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
        client = client_of(environ, settings.trusted_proxies)
        return MAX_BODY_BYTES if is_allowed(client, settings.callback_allow) else None

    return limit


def count_refused_bodies(meters: Meters) -> Callable[[WSGIEnvironment], None]:
    """Return what counts a callback whose body was refused before a view saw it, among those that are invalid."""

    def count(environ: WSGIEnvironment) -> None:
        path = environ["PATH_INFO"]
        if path.startswith(_START) and len(parts := path.split("/")) >= _PARTS and parts[3] in _KINDS:
            meters.count(metrics.CALLBACKS_REFUSED, parts[3], "invalid")

    return count

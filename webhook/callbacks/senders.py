"""What is known of a callback before its body is there, by the request alone: neither a thread nor Redis is asked."""

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

# `/callbacks/<token>/<kind>`, with or without a slash behind it.
_START, _PARTS = "/callbacks/", 4
_KINDS = frozenset({"passthru", "status"})


def known_senders(settings: Settings) -> Callable[[WSGIEnvironment], int | None]:
    """Return what says how long a body may be: MAX_BODY_BYTES for a callback with a good token from where it may come.

    None for anything else, and for whoever is to be refused: that is the application's to do, which logs and counts it.
    """

    def limit(environ: WSGIEnvironment) -> int | None:
        path = environ["PATH_INFO"]
        if not path.startswith(_START) or len(parts := path.split("/")) < _PARTS:
            return None
        # Latin-1 stands for the bytes of the wire (PEP 3333).
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

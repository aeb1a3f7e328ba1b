"""Decides who may use the console and the API: CONSOLE_PASSWORD or, where none is set, a connection from this machine.

The API also takes a bearer token.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import redis
from flask import Response, abort, g, request

from schemas.addresses import is_loopback
from webhook.context.services import services
from webhook.http.problems import problem
from worker.ledger.registry.tokens import Scope, Tokens

# The methods that change nothing (RFC 9110, 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# HTTP/1.0 as the WSGI specification writes it, and as granian does.
_OLD_HTTP = frozenset({"HTTP/1.0", "HTTP/1"})
# Headers that proxies add. Behind a proxy that TRUSTED_PROXIES does not count, every request seems to come from the proxy.
_TRACES_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_FOR_PEOPLE = "This needs CONSOLE_PASSWORD, by Basic authentication."
_FOR_PROGRAMS = "This needs a token, as `Authorization: Bearer lw_…`, or CONSOLE_PASSWORD, by Basic authentication."
# POSTs that change nothing: a number in a URL would end up in a proxy's log; a confirmation counts first.
_POSTED_TO_READ = frozenset(
    {
        "/api/calls/search",
        "/calls",
        "/calls/numbers",
        "/calls.csv",
        "/calls/import",
        "/calls/<sid>/numbers",
        "/reports/<name>/numbers",
        "/reports/<name>.csv",
        "/dead/confirm",
    }
)


def scope_of(method: str, path: str) -> Scope:
    """Return the scope that a token needs for this: `read` for what changes nothing, else `operate`.

    `path` is the path of a rule, such as `/calls/<sid>/numbers`, of the API or the console.
    """
    return Scope.READ if method in _SAFE or path in _POSTED_TO_READ else Scope.OPERATE


def only_for_programs() -> Response | None:
    """Admit (None) a request with a token of sufficient scope, or without a token one that the console would admit.

    The console's session cookie is not accepted here: only credentials that a program sends explicitly are.
    """
    if request.authorization is None or request.authorization.type != "bearer":
        refused = only_for_operators(_FOR_PROGRAMS)
        if refused is not None and "WWW-Authenticate" in refused.headers:
            refused.headers.add("WWW-Authenticate", 'Bearer realm="Legwork"')
        return refused
    # No browser adds a token to a request from another site's page, so its origin is not checked.
    return _with_token(request.authorization.token or "")


def _with_token(shown: str) -> Response | None:
    ledger, login_throttle = services().ledger, services().login_throttle
    tokens, now_ms = Tokens(ledger.client), ledger.now_ms()
    token = tokens.find(shown)
    if token is None:
        wait = login_throttle.wrong_token(request.remote_addr or "").wait_seconds
        if wait:
            return problem(429, "Too many wrong tokens or passwords.", headers={"Retry-After": f"{wait:.0f}"})
        return _challenged(401, "There is no such token, or it was revoked.", "invalid_token")
    if token.is_expired(now_ms):  # it was a real token, so not counted as a guess
        return _challenged(401, f"The token {token.name} has expired: create a new one.", "invalid_token")
    needed = scope_of(request.method, request.url_rule.rule if request.url_rule else "")
    if not token.scope.includes(needed):
        detail = f"This needs a token of the scope `{needed}`; {token.name} has `{token.scope}`."
        return _challenged(403, detail, "insufficient_scope", f', scope="{needed}"')
    with suppress(redis.RedisError):  # a full ledger can still be read
        tokens.note_use(token, now_ms)
    g.token_name = token.name
    return None


def _challenged(status: int, detail: str, error: str, more: str = "") -> Response:
    """Refuse a token as RFC 6750, section 3, specifies."""
    challenge = f'Bearer realm="Legwork", error="{error}", error_description="{detail}"{more}'
    return problem(status, detail, headers={"WWW-Authenticate": challenge})


def only_for_operators(asked: str = _FOR_PEOPLE) -> Response | None:
    """Admit an operator (None), ask for the password with the text `asked`, or answer 404 as if there were no console."""
    settings = services().settings
    if changes_something() and comes_from_another_site():
        return problem(403, "Requests from another site's page may not change anything.")
    if settings.console_password is None:
        if not sits_here():
            abort(404)
        return None
    given = request.authorization.password if request.authorization else None
    if given is not None:
        tried = services().login_throttle.try_password(given, settings.console_password, request.remote_addr or "")
        if tried.right:
            return None
        if tried.wait_seconds:
            return problem(429, "Too many wrong passwords.", headers={"Retry-After": f"{tried.wait_seconds:.0f}"})
    detail = asked if given is None else "The password is wrong."
    return problem(401, detail, headers={"WWW-Authenticate": 'Basic realm="Legwork", charset="UTF-8"'})


def changes_something() -> bool:
    """May this request change something?"""
    return request.method not in _SAFE


def comes_from_another_site() -> bool:
    """Did a browser send this for another site's page? It would send the operator's password along.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site; older browsers send only `Origin`.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    # An origin is a scheme and a host, or `null`; urlsplit would raise for anything else.
    return origin is not None and origin.partition("://")[2] != request.host


def sits_here() -> bool:
    """Does this request come from this machine?"""
    if not services().settings.trusted_proxies and _came_by_a_proxy():
        return False
    # DNS rebinding: a stranger's page, under a name that resolves to this machine, could use the operator's browser.
    return is_loopback_host() and is_loopback(request.remote_addr or "")


def is_loopback_host() -> bool:
    """Return whether the request's host name means loopback."""
    host = urlsplit(f"//{request.host}").hostname or ""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def _came_by_a_proxy() -> bool:
    # nginx before 1.29.7, in its default configuration, sends no header about the client and our own host name, but it speaks
    # HTTP/1.0, as no browser and no program on this machine does. Later versions leave no trace: docs/operations.md.
    in_the_old_way = request.environ.get("SERVER_PROTOCOL") in _OLD_HTTP
    return in_the_old_way or any(name in request.headers for name in _TRACES_OF_A_PROXY)

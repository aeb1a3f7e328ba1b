"""Who gets into the console and its API: whoever knows CONSOLE_PASSWORD, or without one whoever sits at this machine.

Into the API, so does whoever shows a token.
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
# Of HTTP/1.0, as the specification of WSGI writes it and as granian does.
_OLD_HTTP = frozenset({"HTTP/1.0", "HTTP/1"})
# What a proxy leaves behind. Where one stands in front unannounced (TRUSTED_PROXIES=0), everybody seems to come from it.
_TRACES_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_FOR_PEOPLE = "This takes CONSOLE_PASSWORD, by Basic authentication."
_FOR_PROGRAMS = "This takes a token, as `Authorization: Bearer lw_…`, or CONSOLE_PASSWORD, by Basic authentication."
# Posted, for a number in a URL would be in a proxy's log; it changes nothing.
_POSTED_TO_READ = frozenset({"/api/calls/search"})


def scope_of(method: str, path: str) -> Scope:
    """Return what a token has to be good for to do this: only what changes nothing is open to all of them."""
    return Scope.READ if method in _SAFE or path in _POSTED_TO_READ else Scope.OPERATE


def only_for_programs() -> Response | None:
    """Let in whoever shows a token whose scope suffices (None), and without one whom the console would let in.

    A session of the console opens nothing here: only what a program sends by itself does.
    """
    if request.authorization is None or request.authorization.type != "bearer":
        refused = only_for_operators(_FOR_PROGRAMS)
        if refused is not None and "WWW-Authenticate" in refused.headers:
            refused.headers.add("WWW-Authenticate", 'Bearer realm="Legwork"')
        return refused
    # No browser sends a token for a page of another site, so it is not asked where this comes from.
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
    if token.is_expired(now_ms):  # nobody has guessed that
        return _challenged(401, f"The token {token.name} has expired: make another one.", "invalid_token")
    needed = scope_of(request.method, request.url_rule.rule if request.url_rule else "")
    if not token.scope.includes(needed):
        detail = f"This needs a token of the scope `{needed}`; {token.name} has `{token.scope}`."
        return _challenged(403, detail, "insufficient_scope", f', scope="{needed}"')
    with suppress(redis.RedisError):  # a ledger that is full can be read all the same
        tokens.note_use(token, now_ms)
    g.token_name = token.name
    return None


def _challenged(status: int, detail: str, error: str, more: str = "") -> Response:
    """Refuse a token as RFC 6750 has it, section 3."""
    challenge = f'Bearer realm="Legwork", error="{error}", error_description="{detail}"{more}'
    return problem(status, detail, headers={"WWW-Authenticate": challenge})


def only_for_operators(asked: str = _FOR_PEOPLE) -> Response | None:
    """Let an operator through (None), ask for the password (`asked` says so), or know nothing of a console."""
    settings = services().settings
    if changes_something() and comes_from_another_site():
        return problem(403, "A page of another site may change nothing here.")
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
    """Did a browser send this for a page that is none of ours? It would send the operator's password along.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site; older browsers say `Origin` only.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site not in {"same-origin", "none"}
    # An origin is a scheme and a host, or `null`; urlsplit would raise at what is neither.
    return origin is not None and origin.partition("://")[2] != request.host


def sits_here() -> bool:
    """Does whoever asks sit at this machine?"""
    if not services().settings.trusted_proxies and _came_by_a_proxy():
        return False
    # A name that a stranger's DNS points at this machine would let his page in by the operator's browser.
    host = urlsplit(f"//{request.host}").hostname or ""
    if not (host == "localhost" or host.endswith(".localhost") or is_loopback(host)):
        return False
    return is_loopback(request.remote_addr or "")


def _came_by_a_proxy() -> bool:
    # An nginx before 1.29.7 that is told nothing else tells nothing of the client and names us as the host; it speaks
    # HTTP/1.0, as no browser and no program at this machine does. A later one leaves no trace: docs/operations.md.
    in_the_old_way = request.environ.get("SERVER_PROTOCOL") in _OLD_HTTP
    return in_the_old_way or any(name in request.headers for name in _TRACES_OF_A_PROXY)

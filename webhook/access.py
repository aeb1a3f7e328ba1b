"""Who gets into the console and its API: whoever knows CONSOLE_PASSWORD, or without one whoever sits at this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Response, abort, request

from webhook.door import door
from webhook.errors import problem

# The methods that change nothing (RFC 9110, 9.2.1).
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What a proxy leaves behind. Where one stands in front unannounced (TRUSTED_PROXIES=0), everybody seems to come from it.
_TRACES_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def only_for_operators() -> Response | None:
    """Let an operator through (None), ask for the password, or know nothing of a console."""
    settings = door().settings
    if changes_something() and comes_from_another_site():
        return problem(403, "A page of another site may change nothing here.")
    if settings.console_password is None:
        if not _sits_here(settings.trusted_proxies):
            abort(404)
        return None
    given = request.authorization.password if request.authorization else None
    if given is not None:
        tried = door().lock.try_password(given, settings.console_password, request.remote_addr or "")
        if tried.right:
            return None
        if tried.wait_seconds:
            return problem(429, "Too many wrong passwords.", headers={"Retry-After": f"{tried.wait_seconds:.0f}"})
    return problem(401, headers={"WWW-Authenticate": 'Basic realm="Legwork", charset="UTF-8"'})


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


def _sits_here(trusted_proxies: int) -> bool:
    if not trusted_proxies and any(name in request.headers for name in _TRACES_OF_A_PROXY):
        return False
    # A name that a stranger's DNS points at this machine would let his page in by the operator's browser.
    host = urlsplit(f"//{request.host}").hostname or ""
    if not (host == "localhost" or host.endswith(".localhost") or is_loopback(host)):
        return False
    return is_loopback(request.remote_addr or "")


def is_loopback(address: str) -> bool:
    """Is this an address of this machine?"""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False

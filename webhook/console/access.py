"""Who gets into the console: whoever knows CONSOLE_PASSWORD, or without one whoever sits at this machine."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Response, abort, request

from webhook.door import door
from webhook.errors import problem

# What a proxy leaves behind. Where one stands in front unannounced (TRUSTED_PROXIES=0), everybody seems to come from it.
_TRACES_OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


def only_for_operators() -> Response | None:
    """Let an operator through (None), ask for the password, or know nothing of a console."""
    settings = door().settings
    if settings.console_password is None:
        if not _sits_here(settings.trusted_proxies):
            abort(404)
        return None
    given = request.authorization.password if request.authorization else None
    if given is not None and hmac.compare_digest(given.encode(), settings.console_password.encode()):
        return None
    return problem(401, headers={"WWW-Authenticate": 'Basic realm="Legwork", charset="UTF-8"'})


def _sits_here(trusted_proxies: int) -> bool:
    if not trusted_proxies and any(name in request.headers for name in _TRACES_OF_A_PROXY):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False

"""What of a sink, and of an exchange with one, may be shown: none of its secrets, and nothing of a URL that may hold one."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from worker.logs import secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.sinks.exchange import Exchange

# What is shorter would be found in many a place where it is none.
_SHORTEST_SECRET = 4
_PARTS = re.compile(r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<others>.*)", re.DOTALL)
# Of the web, a host and perhaps a port; what is no port may be a part of a password.
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]*\]|[^:]*)(:[0-9]*)?")


def where(url: str) -> str:
    """Return what of a URL may be shown: neither a user's name nor a query, which may hold secrets."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return re.split("[?#]", url, maxsplit=1)[0]
    parts = _PARTS.fullmatch(rest)
    assert parts is not None  # noqa: S101  it takes any text
    host = parts["authority"].rpartition("@")[2]
    of_web = scheme.lower() in {"http", "https"} and _ADDRESS.fullmatch(host)
    if parts["authority"] and "@" in parts["path"] + parts["others"] and not of_web:
        # A password with a slash in it, perhaps; databases' drivers read those. Where the host begins is a guess.
        return f"{scheme}://…"
    return f"{scheme}://{host}{parts['path']}"


def discreet(exchange: Exchange, spec: SinkSpec) -> Exchange:
    """Return an exchange with a webhook without its secrets, even if it sent them back, as echoing servers do."""
    secrets = sorted((text for text in _told(spec) if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)

    def without(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return replace(
        exchange,
        url=where(exchange.url),
        answer_headers={name: without(value) for name, value in exchange.answer_headers.items()},
        answer_body=without(exchange.answer_body),
        error=None if exchange.error is None else without(exchange.error),
    )


def _told(spec: SinkSpec) -> set[str]:
    """Return all that the other side is told and nobody else is to know."""
    url = urlsplit(spec.url)
    secrets = secrets_of_sink(spec) | {url.query}
    if url.username is not None:
        user, password = unquote(url.username), unquote(url.password or "")
        # requests makes this of them (RFC 7617).
        secrets |= {password, base64.b64encode(f"{user}:{password}".encode()).decode()}
    return secrets

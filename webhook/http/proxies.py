"""Finds the client's address behind proxies: the one that the outermost trusted proxy saw, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.addresses import read_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class BehindProxies:
    """WSGI middleware: replaces the proxy's address by the client's; TRUSTED_PROXIES is the number of proxies in front.

    Without one, only `::ffff:192.0.2.1`, the form in which an IPv4 client reaches a dual-stack socket, is read as IPv4.

    A request without the header did not come through the proxies and keeps its address. A header entry that is no address
    yields no address, never the proxy's own: that is often loopback, which the console admits. Werkzeug's ProxyFix would
    keep the proxy's address when it cannot parse the header (an unclosed quote).
    """

    def __init__(self, app: WSGIApplication, trusted: int) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        environ["REMOTE_ADDR"] = client_of(environ, self._trusted)
        return self._app(environ, start_response)


def client_of(environ: WSGIEnvironment, trusted: int) -> str:
    """Return the client's address of a request that BehindProxies has not seen yet; '' where it has none."""
    peer: str = environ.get("REMOTE_ADDR", "")
    if trusted and (seen := environ.get("HTTP_X_FORWARDED_FOR")) is not None:
        return _client_address(seen, trusted, peer)
    address = read_address(peer) if ":" in peer else None
    return peer if address is None else str(address)


def _client_address(seen: str, trusted: int, peer: str) -> str:
    """Return the client's address from X-Forwarded-For, to which each proxy appends its peer's address; '' if it has none.

    The client may have written everything before the last `trusted` entries itself; `peer` is the innermost proxy. A
    loopback address seen by a proxy on another host is not this machine's, so it yields no address.
    """
    written = seen.split(",")
    if len(written) < trusted:
        return ""
    client, *proxies = [read_address(text) for text in (*written[-trusted:], peer)]
    if client is None or (client.is_loopback and not all(proxy and proxy.is_loopback for proxy in proxies)):
        return ""
    return str(client)

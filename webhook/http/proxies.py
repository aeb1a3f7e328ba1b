"""Whose address a request has when proxies stand in front: what the outermost trusted one has seen, or nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.addresses import read_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class BehindProxies:
    """WSGI middleware: puts the client's address in the place of the proxy's (TRUSTED_PROXIES of them stand in front).

    Without one, only `::ffff:192.0.2.1`, the form in which an IPv4 client reaches a dual-stack socket, is read as IPv4.

    A request without the header did not come through them, and keeps the address it has. What is in the header and is no
    address is nobody's, never the proxy's own: that is this machine's as a rule, and whoever sits here is let in. So
    werkzeug's ProxyFix will not do, which leaves the proxy's where it can make nothing of a header (an unclosed quote).
    """

    def __init__(self, app: WSGIApplication, trusted: int) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        peer: str = environ.get("REMOTE_ADDR", "")
        seen = environ.get("HTTP_X_FORWARDED_FOR") if self._trusted else None
        if seen is not None:
            environ["REMOTE_ADDR"] = client_address(seen, self._trusted, peer)
        elif ":" in peer and (address := read_address(peer)):
            environ["REMOTE_ADDR"] = str(address)
        return self._app(environ, start_response)


def client_address(seen: str, trusted: int, peer: str) -> str:
    """Return the client's address from X-Forwarded-For, to which each proxy has added whom it saw; '' where it has none.

    What stands before the last `trusted` of them the client may have written himself; `peer` is the innermost proxy. A
    loopback address that a proxy elsewhere has seen is not one of this machine, so it is nobody's here.
    """
    written = seen.split(",")
    if len(written) < trusted:
        return ""
    client, *proxies = [read_address(text) for text in (*written[-trusted:], peer)]
    if client is None or (client.is_loopback and not all(proxy and proxy.is_loopback for proxy in proxies)):
        return ""
    return str(client)

"""HTTP sessions whose answers are whole in time, and are the answers that count: for Exotel's API and for webhooks."""

from __future__ import annotations

import http.client
import io
import socket
import struct
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Interim answers (RFC 9110, 15.2), of which http.client knows the first one only.
_INFORMATIONAL = 1
# Closed with this, a socket forgets what it has not sent yet.
_NO_LINGER = struct.pack("ii", 1, 0)


class Session(requests.Session):
    """A session that follows no redirect, and does not look where one leads."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Nowhere: requests reads the whole body of a redirect, whatever its size, to see where it would lead."""
        return


class Answer(http.client.HTTPResponse):
    """An answer that is read within the time-out as a whole: its headers, its body, and whatever comes before or after.

    A time-out of a socket is for a single wait, so a byte now and then would go on for ever. Interim answers (102, 103) are
    passed over: taken for the answer, they would leave the real one to the next request of the connection.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status // 100 != _INFORMATIONAL or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _InTime(io.RawIOBase):
    """What a socket brings, until the time is over that the socket waits at most when this is made."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._wait = sock.gettimeout()
        self._until = None if self._wait is None else time.monotonic() + self._wait

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._until is None:
            return self._raw.readinto(buffer)
        left = self._until - time.monotonic()
        try:
            # Looked at first: whoever sends without a pause would never be waited for.
            self._sock.settimeout(_in_time(left))
            found = self._raw.readinto(buffer)
        except TimeoutError:
            # A network that comes back later must not bring the request to the other side when nobody waits any more: by
            # then its token is back. (A socket of urllib3's for TLS within TLS has no such option.)
            with suppress(OSError, AttributeError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            raise
        finally:
            with suppress(OSError):
                self._sock.settimeout(self._wait)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


def _in_time(left: float) -> float:
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class Plain(HTTPConnection):
    """A connection without TLS."""

    response_class = Answer


class Tls(HTTPSConnection):
    """A connection with TLS."""

    response_class = Answer


class BoundedAdapter(HTTPAdapter):
    """Carries HTTP over connections whose answers are `Answer`."""

    #: The classes of its connections.
    plain: type[HTTPConnection] = Plain
    tls: type[HTTPSConnection] = Tls

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, type[HTTPConnectionPool]]:
        plain, tls = self.plain, self.tls

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = tls

        return {"http": PlainPool, "https": TlsPool}

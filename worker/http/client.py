"""HTTP sessions for Exotel's API and for webhooks, with time limits for whole responses."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from worker.http.answer import Answer
from worker.http.target import TARGET, target_of

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse


class UnsupportedProxy(requests.exceptions.ProxyError):
    """Raised when the environment names a proxy that nothing goes through; the message says what would be right."""


class Session(requests.Session):
    """A session that follows no redirects, keeps no cookies, and requests URLs exactly as written."""

    def __init__(self) -> None:
        super().__init__()
        # No server here needs cookies, and a subscriber could send any number of them, in any form.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[], netscape=False, rfc2965=False))
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter())

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Return a prepared request whose target is exactly as written in its URL."""
        prepared = super().prepare_request(request)
        prepared.headers[TARGET] = target_of(str(request.url))
        return prepared

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Return None: otherwise requests reads the whole body of a redirect, whatever its size."""
        return


class _Verbatim(HTTPConnection):
    """Sends the target from the header `TARGET`, since requests and urllib3 would rewrite it."""

    response_class = Answer

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        headers = dict(headers or {})
        target = headers.pop(TARGET, url)
        # A proxy gets the whole URL.
        super().request(method, target if url.startswith("/") else url, body, headers, **options)


class Plain(_Verbatim):
    """A connection without TLS."""


class Tls(_Verbatim, HTTPSConnection):
    """A connection with TLS."""


class BoundedAdapter(HTTPAdapter):
    """Sends HTTP over connections whose responses are `Answer`."""

    #: The classes of its connections.
    plain: type[HTTPConnection] = Plain
    tls: type[HTTPSConnection] = Tls

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the connection pools."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the connection pools of a proxy. Raises UnsupportedProxy."""
        if proxy.lower().startswith("socks"):
            # urllib3.contrib.socks brings its own connection classes, which do not limit a response as ours do.
            raise UnsupportedProxy(
                "the environment names a SOCKS proxy, which is not supported: set HTTPS_PROXY to an HTTP proxy, or unset it"
            )
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Return urllib3's response as one of requests', ignoring cookies and charset: either may be invalid."""
        response = requests.Response()
        response.status_code = resp.status
        # The headers as received, not as urllib3 got them. (requests itself uses this attribute.)
        came = getattr(resp, "_original_response", None)
        response.headers = CaseInsensitiveDict(
            HTTPHeaderDict(came.fields if isinstance(came, Answer) else resp.headers)
        )
        response.raw, response.reason = resp, resp.reason or ""
        response.request, response.url = req, str(req.url)
        return response

    def _pools(self) -> dict[str, type[HTTPConnectionPool]]:
        plain, tls = self.plain, self.tls

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = plain

        class TlsPool(HTTPSConnectionPool):
            ConnectionCls = tls

        return {"http": PlainPool, "https": TlsPool}

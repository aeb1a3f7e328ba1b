"""HTTP sessions whose answers are whole in time, and are the answers that count: for Exotel's API and for webhooks."""

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
    """A session that follows no redirect, does not look where one leads, keeps no cookie, and asks for URLs as written."""

    def __init__(self) -> None:
        super().__init__()
        # Nothing that we ask for has any use for them; a stranger could send as many as he likes, in any shape.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[], netscape=False, rfc2965=False))
        for scheme in ("https://", "http://"):
            self.mount(scheme, BoundedAdapter())

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request, and have it go to the very target that its URL is written with."""
        prepared = super().prepare_request(request)
        prepared.headers[TARGET] = target_of(str(request.url))
        return prepared

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Nowhere: requests reads the whole body of a redirect, whatever its size, to see where it would lead."""
        return


class _Verbatim(HTTPConnection):
    """Sends the target that stands in the headers by the name of `TARGET`: requests and urllib3 write it in their own way."""

    response_class = Answer

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        headers = dict(headers or {})
        target = headers.pop(TARGET, url)
        # A proxy is given the whole URL.
        super().request(method, target if url.startswith("/") else url, body, headers, **options)


class Plain(_Verbatim):
    """A connection without TLS."""


class Tls(_Verbatim, HTTPSConnection):
    """A connection with TLS."""


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
        """Make the pools of connections through a proxy. Raises UnsupportedProxy."""
        if proxy.lower().startswith("socks"):
            # urllib3's connections through one (urllib3.contrib.socks) are none of ours: an answer would have no bounds.
            raise UnsupportedProxy(
                "the environment names a SOCKS proxy, which is not supported: name an HTTP proxy in HTTPS_PROXY, or none"
            )
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools()
        return manager

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Make requests' answer of urllib3's, without a look at its cookies or its charset: either may be nonsense."""
        response = requests.Response()
        response.status_code = resp.status
        # As they came, and not as urllib3 was given them. (By this name requests itself asks for them.)
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

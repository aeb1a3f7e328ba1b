"""POST each record to a webhook subscriber, signed by Standard Webhooks 1.0."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
import requests
import urllib3.exceptions
from marshmallow import Schema, ValidationError, fields
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from standardwebhooks import Webhook

from worker.bodies import read_body
from worker.errors import PermanentFailure, SinkGone, TemporaryFailure
from worker.exotel import retry_after_seconds
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

TIMEOUT_SECONDS = 15.0
# How much of a subscriber's answer is read; whatever is beyond is nobody's business.
ANSWER_BYTES = 64 * 1024
# What not getting an answer looks like; UnicodeError is a host name that cannot be one.
_NO_ANSWER = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)
# The classes of status codes (RFC 9110, 15).
_SUCCESS, _REDIRECT = 2, 3


class Options(Schema):
    """What may be said of a webhook sink, in the URL's query or in legwork.toml."""

    allow_private = fields.Boolean(
        load_default=False,
        metadata={"doc": "Allow private, loopback and link-local addresses, which are refused otherwise."},
    )


class HttpSink(Sink):
    """`https://host/path` (or `http://`): one POST a record, the CloudEvent in structured mode."""

    Options = Options

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        if not urlsplit(self.url).hostname:
            raise ValidationError("is to be https://host/path", "url")
        self._signers = [Webhook(secret) for secret in self.secrets]
        self._local = threading.local()

    def send(self, records: list[Record]) -> str:
        """POST one record; 2xx is delivered."""
        (record,) = records
        body = orjson.dumps(record)
        try:
            with self._session().post(
                self.url,
                data=body,
                headers=self._headers(record["id"], body.decode()),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                _read_away(response)
                return _judged(response)
        except InvalidIPAddress as error:
            raise TemporaryFailure(
                f"{urlsplit(self.url).hostname} is a private address: allow_private=true lets it through"
            ) from error
        except requests.Timeout as error:
            raise TemporaryFailure(f"no answer within {TIMEOUT_SECONDS:g} s") from error
        except _NO_ANSWER as error:
            raise TemporaryFailure(f"no answer: {type(error).__name__}") from error

    def check(self) -> str:
        """Connect and ask for OPTIONS: any answer will do."""
        session = self._session()
        try:
            with session.options(self.url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
                return f"answers ({response.status_code} to OPTIONS)"
        except InvalidIPAddress as error:
            raise PermanentFailure("is a private address: allow_private=true lets it through") from error
        except _NO_ANSWER as error:
            raise TemporaryFailure(f"no answer: {type(error).__name__}") from error

    def close(self) -> None:
        """Close this thread's connections."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is not None:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = f"legwork/{version('legwork')}"
            if not self.options["allow_private"]:
                session.mount("https://", IPFilterAdapter(is_https_proto=True))
                session.mount("http://", IPFilterAdapter(is_https_proto=False))
            self._local.session = session
        return session

    def _headers(self, record_id: str, body: str) -> dict[str, str]:
        headers = {"Content-Type": "application/cloudevents+json", "webhook-id": record_id}
        now = datetime.now(UTC)
        headers["webhook-timestamp"] = str(int(now.timestamp()))
        if self._signers:
            headers["webhook-signature"] = " ".join(
                signer.sign(msg_id=record_id, timestamp=now, data=body) for signer in self._signers
            )
        return headers


def _read_away(response: requests.Response) -> None:
    """Read a short answer to its end, so that the connection can be used again. The status alone says what became of it."""
    with suppress(requests.RequestException):
        read_body(response, most=ANSWER_BYTES, until=time.monotonic() + TIMEOUT_SECONDS)


def _judged(response: requests.Response) -> str:
    """Return the status as text when the record was taken; raise what to do next otherwise."""
    status = response.status_code
    if status // 100 == _SUCCESS:
        return str(status)
    if status == HTTPStatus.GONE:
        raise SinkGone("410: the subscriber wants no more of this")
    if status // 100 == _REDIRECT:
        raise TemporaryFailure(f"{status}: redirects are not followed")
    retry_after = None
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        retry_after = retry_after_seconds(response.headers.get("Retry-After"), response.headers.get("Date"))
    raise TemporaryFailure(str(status), retry_after=retry_after)

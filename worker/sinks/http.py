"""POST each record to a webhook subscriber, signed by Standard Webhooks 1.0."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
import requests
from marshmallow import ValidationError

from schemas.urls import take_apart
from worker.errors import LastAnswer, PermanentFailure, SinkGone, TemporaryFailure
from worker.http.waiting import retry_after_seconds
from worker.sinks.base import Record, Sink
from worker.sinks.egress import PrivateAddress
from worker.sinks.exchange import NO_ANSWER, TIMEOUT_SECONDS, Exchange, make_exchange, reason_of
from worker.sinks.http_options import Options
from worker.sinks.http_session import check_ca_file, new_session
from worker.sinks.signing import signer_for
from worker.tracing.spans import current_span

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

# The classes of status codes (RFC 9110, 15).
_SUCCESS, _REDIRECT = 2, 3


class HttpSink(Sink):
    """`https://host/path` (or `http://`): one POST per record, a CloudEvent in structured mode."""

    Options = Options

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        if not take_apart(self.url).address:
            raise ValidationError("must be https://host/path", "url")
        try:
            self._signers = [signer_for(secret) for secret in self.secrets]
        except ValidationError as error:
            raise ValidationError(error.messages, "secret") from None
        self._local = threading.local()

    def open(self) -> None:
        """Check that `ca_file` contains certificates."""
        if self.options["ca_file"]:
            check_ca_file(self.options["ca_file"])

    def send(self, records: list[Record]) -> str:
        """POST one record; a 2xx response means delivered."""
        (record,) = records
        return _judged(self.exchange(record))

    def exchange(self, record: Record) -> Exchange:
        """POST one record, signed, and return request and response. Raises nothing."""
        body, headers, span = orjson.dumps(record), self.options["headers"], current_span()
        sent = headers | self._headers(record["id"], body)
        if "traceparent" not in map(str.lower, headers):
            sent |= span.headers()
        request = requests.Request("POST", self.url, headers=sent, data=body)
        exchange = make_exchange(self._session(), request, hidden=headers)
        span.sent("POST", self.url)
        span.answered(exchange.status)
        return exchange

    def check(self) -> str:
        """Connect and send OPTIONS: any response is accepted."""
        session = self._session()
        try:
            with session.options(self.url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
                return f"answers ({response.status_code} to OPTIONS)"
        except PrivateAddress as error:
            raise PermanentFailure(str(error)) from error
        except NO_ANSWER as error:
            raise TemporaryFailure(reason_of(error)) from error

    def close(self) -> None:
        """Close this thread's connections."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is not None:
            session.close()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = new_session(self.options)
            self._local.session = session
        return session

    def _headers(self, record_id: str, body: bytes) -> dict[str, str]:
        now = int(time.time())
        headers = {"Content-Type": "application/cloudevents+json"}
        headers |= {"webhook-id": record_id, "webhook-timestamp": str(now)}
        if self._signers:
            headers["webhook-signature"] = " ".join(sign(record_id, now, body) for sign in self._signers)
        return headers


def _judged(exchange: Exchange) -> str:
    """Return the status as text if the record was accepted; otherwise raise the failure that says what to do."""
    status, headers = exchange.status, exchange.answer_headers
    if status is None:
        raise TemporaryFailure(exchange.error or "no answer")
    if status // 100 == _SUCCESS:
        return str(status)
    if status == HTTPStatus.GONE:
        raise SinkGone("410: the subscriber wants no more of this")
    answer = LastAnswer(status, exchange.answer_body, time.time() * 1000)
    if status // 100 == _REDIRECT:
        raise TemporaryFailure(f"{status}: redirects are not followed", answer=answer)
    retry_after = None
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        retry_after = retry_after_seconds(headers.get("Retry-After"), headers.get("Date"))
    raise TemporaryFailure(str(status), retry_after=retry_after, answer=answer)

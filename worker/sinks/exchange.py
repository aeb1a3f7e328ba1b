"""Send one request to a subscriber and return request and response, for deliveries and for tests of a sink."""

from __future__ import annotations

import re
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions
from requests.structures import CaseInsensitiveDict

from worker.http.bodies import read_body
from worker.http.target import TARGET
from worker.sinks.egress import PrivateAddress

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

# Seconds, to connect, and for the whole response (see `worker/http/answer.py`).
TIMEOUT_SECONDS = 15.0
# Bytes of a subscriber's response that are read; the rest is ignored.
ANSWER_BYTES = 64 * 1024
# Characters of it that are kept: enough for an error message.
KEPT_BYTES = 2048
#: The exceptions for a missing response; UnicodeError is raised for an invalid host name.
NO_ANSWER = (PrivateAddress, requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)
# A user and a password in the URL become one of these; the others may be among a sink's own headers.
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response. Secrets in the request are masked, except in the URL's query.

    The response is untrusted and may contain anything: Legwork's secrets, or terminal control characters.
    """

    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: str
    #: None without a response; then `error` says why.
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=CaseInsensitiveDict)
    #: Its first 2 KiB.
    answer_body: str = ""
    seconds: float = 0.0
    error: str | None = None


def make_exchange(session: requests.Session, request: requests.Request, *, hidden: Collection[str] = ()) -> Exchange:
    """Send a request whose data is bytes, once. Headers in `hidden` are masked. Raises nothing."""
    began, sent = time.monotonic(), dict(request.headers)
    answered: requests.Response | None = None
    kept, error = b"", None
    try:
        prepared = session.prepare_request(request)
        sent = {name: str(value) for name, value in prepared.headers.items() if name != TARGET}
        with session.send(prepared, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answered:
            # Read a short body completely, so that the connection can be reused. The status alone decides the result.
            kept = read_body(answered, most=ANSWER_BYTES).data[:KEPT_BYTES]
    except NO_ANSWER as trouble:
        error = None if answered is not None else reason_of(trouble)
    masked = _CREDENTIALS | {name.lower() for name in hidden}
    return Exchange(
        method=request.method or "",
        url=re.sub(r"(?<=//)[^/?#]*@", "***@", request.url or ""),
        request_headers={name: "***" if name.lower() in masked else value for name, value in sent.items()},
        request_body=request.data.decode(),
        status=None if answered is None else answered.status_code,
        answer_headers={} if answered is None else answered.headers,
        answer_body=kept.decode(errors="replace"),
        seconds=time.monotonic() - began,
        error=error,
    )


def reason_of(error: BaseException) -> str:
    """Return why there was no response, without the URL."""
    if isinstance(error, PrivateAddress):
        return str(error)
    causes = list(_with_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    # The system's error is the innermost one.
    said = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return f"no answer: {said[-1] if said else type(error).__name__}"


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    for cause in (error.__context__, error.__cause__):
        if cause is not None:
            yield from _with_causes(cause)

"""Read Exotel's Legs API: the one file that knows its URLs.

Source: support.exotel.com article 3000108446 "Leg details API"; developer.exotel.com/api/http-status-codes.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import quote

import requests
import urllib3.exceptions
from marshmallow import ValidationError

from schemas.legs import LegsAnswer, load_error, load_legs
from schemas.text import in_utf_8
from worker.errors import AccountSuspended, NotFinalYet, TemporaryFailure, Throttled, Unreachable
from worker.http.bodies import Body, read_body
from worker.http.client import Session, UnsupportedProxy
from worker.http.waiting import retry_after_seconds
from worker.tracing.spans import current_span

if TYPE_CHECKING:
    from schemas.settings import Account

# The response for a call with a hundred legs is some 60 KB; anything larger than this is not a response of the Legs API.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
# The classes of status codes (RFC 9110, 15).
_SUCCESS, _REDIRECT, _SERVER_ERROR = 2, 3, 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A final response: the legs, the SHA-256 of its bytes, and how many seconds it took."""

    answer: LegsAnswer
    sha256: str
    seconds: float


class ExotelClient:
    """Reads one account's calls. Safe to share between threads: each has its own `requests.Session`.

    It never retries, never follows a redirect and never sends anything but GET: on the same path a POST would ring a
    phone (support.exotel.com article 3000105981).
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._local = threading.local()

    def fetch_legs(self, call_sid: str) -> Fetched:
        """Return the legs of a call.

        Raises NotFinalYet while Exotel's answer is not final (with the body, if it contained legs), Throttled for 429,
        AccountSuspended for 401, 402 and 403, Unreachable without a usable answer, TemporaryFailure for any other
        refusal (Exotel answers 400 or 404 for a call that it does not know yet).
        """
        account = self._account
        url = f"{account.base_url}/v1/Accounts/{quote(account.sid, safe='')}/Calls/{quote(call_sid, safe='')}/Legs.json"
        started = time.monotonic()
        # The enclosing span says which call it is about.
        with current_span().child("GET Legs.json", "GET", url) as span:
            status, headers, body = self._get(url)
            span.answered(status)
        seconds = time.monotonic() - started
        if status != HTTPStatus.OK:
            raise _refusal(status, headers, body.data)
        if len(body.data) > MAX_ANSWER_BYTES:
            raise Unreachable(f"answer is larger than {MAX_ANSWER_BYTES} bytes")
        try:
            answer = load_legs(body.data, timezone=account.timezone, charset=_charset(headers))
        except ValidationError as error:
            raise Unreachable(_broken(body) or f"answer cannot be read: {_first_message(error)}") from error
        # Its legs and counts may agree; but what truncated it may have changed it too, and another fetch costs only a
        # request. If every fetch is broken, the record has these legs, and `"settled": false`.
        reason = answer.why_not_final(call_sid) or _broken(body)
        if reason is not None:
            ours = all(leg.call_sid in {None, call_sid} for leg in answer.legs)
            # A response about another call is never used for this one.
            raise NotFinalYet(
                reason, body=in_utf_8(body.data, charset=_charset(headers)) if answer.legs and ours else None
            )
        return Fetched(answer, hashlib.sha256(body.data).hexdigest(), seconds)

    def probe(self) -> str:
        """Test with one request whether the credentials work; return Exotel's answer.

        Requests the legs of a call that cannot exist: an answer of 400 or 404 proves that the credentials were accepted.
        Raises as `fetch_legs` does otherwise.
        """
        try:
            self.fetch_legs("0" * 32)
        except (NotFinalYet, Unreachable, Throttled):
            raise
        except TemporaryFailure as refusal:
            return str(refusal)
        return "200"

    def close(self) -> None:
        """Close this thread's connection."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is not None:
            session.close()
            del self._local.session

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = Session()
            session.auth = (self._account.api_key, self._account.api_token)
            session.headers.update(
                {
                    "Accept": "application/json",
                    # Bytes are read as sent, uncompressed: so the size limit also stops decompression bombs.
                    "Accept-Encoding": "identity",
                    "User-Agent": f"legwork/{version('legwork')}",
                }
            )
            self._local.session = session
        return session

    def _get(self, url: str) -> tuple[int, requests.structures.CaseInsensitiveDict[str], Body]:
        timeout = self._account.timeout_seconds
        try:
            with self._session().get(url, timeout=timeout, allow_redirects=False, stream=True) as response:
                # The status counts even if the body is broken.
                body = read_body(response, most=MAX_ANSWER_BYTES + 1)
        except requests.Timeout as error:
            raise Unreachable(f"no answer within {timeout:g} s") from error
        except UnsupportedProxy as error:
            raise Unreachable(f"no answer: {error}") from error
        # requests does not wrap every exception of urllib3's: not that for a host name with two dots.
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            # The library's messages contain URLs and addresses; the class is enough for an operator.
            raise Unreachable(f"no answer: {type(error).__name__}") from error
        return response.status_code, response.headers, body


def _broken(body: Body) -> str | None:
    return f"the answer {body.broken}" if body.broken else None


def _charset(headers: requests.structures.CaseInsensitiveDict[str]) -> str | None:
    found = _CHARSET.search(headers.get("Content-Type") or "")
    return found[1] if found else None


def _refusal(
    status: int, headers: requests.structures.CaseInsensitiveDict[str], body: bytes
) -> TemporaryFailure | AccountSuspended:
    message = f"{status}: {load_error(body)}" if load_error(body) else str(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, retry_after=retry_after_seconds(headers.get("Retry-After"), headers.get("Date")))
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}:
        return AccountSuspended(message)
    if status // 100 == _REDIRECT:
        return Unreachable(f"{status}: redirects are not followed")
    if status // 100 == _SERVER_ERROR:
        return Unreachable(message)
    if status // 100 == _SUCCESS:
        return Unreachable(f"{message}: not the answer of the Legs API")
    return TemporaryFailure(message)


def _first_message(error: ValidationError) -> str:
    """Return one line of a validation error, as in `legs.0.Sid: Missing data for required field.`."""
    path, found = [], error.normalized_messages()  # type: ignore[no-untyped-call]
    while isinstance(found, dict) and found:
        key, found = next(iter(found.items()))
        path.append(str(key))
    message = str(found[0]) if isinstance(found, list) and found else str(found)
    return f"{'.'.join(path)}: {message}"[:200]

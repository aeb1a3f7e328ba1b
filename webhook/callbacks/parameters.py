"""Reads a request's parameters from its query and its body, in any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from webhook.callbacks.dialects import read_body
from webhook.callbacks.unpacking import CannotUnpack, UnknownCoding, is_packed, unpack
from webhook.callbacks.urlencoded import read_pairs

if TYPE_CHECKING:
    from flask import Request

# The beginnings of all parameter names that name a call (`call_sids[0]` too). A POST with none of them in its query and an
# empty body is an interim ping.
_CALL_NAMES = ("callsid", "call.sid", "call[sid]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request as pairs in order of arrival, and its JSON document, decoded, if it has one."""

    pairs: list[tuple[str, str]]
    document: Any
    is_ping: bool


def read(request: Request) -> Parameters:
    """Read the query and the body.

    A callback whose CallSid is in the query is never refused because of its body: one that cannot be read is kept as text.
    Raises werkzeug's RequestEntityTooLarge, its BadRequest for a body that ends too soon, UnknownCoding (415) and CannotUnpack
    (400), and marshmallow's ValidationError for too many parts.
    """
    query = read_pairs(request.query_string)
    body = _whole_body(request)
    pairs: list[tuple[str, str]] = []
    document = None
    if body:
        coding = request.headers.get("Content-Encoding", "")
        if coding or is_packed(body):
            try:
                body = unpack(body, coding, request.max_content_length or len(body))
            except (CannotUnpack, UnknownCoding):
                if not any(map(_names_a_call, query)):
                    raise
        pairs, document = read_body(body, request.mimetype, request.mimetype_params.get("boundary"))
    is_ping = request.method == "POST" and not body.strip() and not any(map(_names_a_call, query))
    return Parameters(query + pairs, document, is_ping)


def _names_a_call(pair: tuple[str, str]) -> bool:
    name = pair[0].lower().replace("_", "")
    return name == "call" or name.startswith(_CALL_NAMES)


def _whole_body(request: Request) -> bytes:
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return b""  # RFC 9112 section 6.3: there is none; a Passthru never has one
    body = request.get_data(cache=False, parse_form_data=False)
    # Werkzeug silently cuts a body of unknown length at the limit; one more byte shows that there was more.
    if request.content_length is None and _goes_on(request):
        raise RequestEntityTooLarge
    # Not every server reports that its client went away, and half a CallSid may look like a whole one.
    if len(body) < (request.content_length or 0):
        raise BadRequest
    return body


def _goes_on(request: Request) -> bool:
    # Not the request's own stream: that already raises at the limit, not only beyond it.
    return bool(request.environ.get("wsgi.input_terminated") and request.environ["wsgi.input"].read(1))

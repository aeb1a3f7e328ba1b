"""What a request holds, in whatever dialect: query, form, JSON."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError
from multipart import MultipartError, MultipartParser, ParserLimitReached
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser

from schemas.callback import MAX_PARAMETERS
from webhook.callbacks.urlencoded import read_pairs

if TYPE_CHECKING:
    from flask import Request

# How every way to name a call begins (`call_sids[0]` too); a POST with none of them in its query, and an empty body, is an
# interim ping.
_CALL_NAMES = ("callsid", "call.sid", "call[sid]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request as pairs in order of arrival, and its JSON document, decoded, if it has one."""

    pairs: list[tuple[str, str]]
    document: Any
    is_ping: bool


def read(request: Request) -> Parameters:
    """Read the query and the body.

    A body that is not what it claims to be does not cost a callback whose CallSid is in the query: it is kept as text.
    Raises werkzeug's RequestEntityTooLarge, its BadRequest for a body that ends too soon, and marshmallow's ValidationError
    for too many parts.
    """
    query = read_pairs(request.query_string)
    body = _whole_body(request)
    pairs, document = _body(request, body)
    is_ping = (
        request.method == "POST"
        and not body.strip()
        and not any(name.lower().replace("_", "").startswith(_CALL_NAMES) for name, _ in query)
    )
    return Parameters(query + pairs, document, is_ping)


def _whole_body(request: Request) -> bytes:
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return b""  # RFC 9112 section 6.3: there is none; a Passthru never has one
    body = request.get_data(cache=False, parse_form_data=False)
    # A body of unknown length is cut at the limit without a word; the next byte tells.
    if request.content_length is None and _goes_on(request):
        raise RequestEntityTooLarge
    # Nor does every server tell that its client went away: half a CallSid may look like a whole one.
    if len(body) < (request.content_length or 0):
        raise BadRequest
    return body


def _goes_on(request: Request) -> bool:
    # Not the request's own stream, which raises at the limit, and not only beyond it.
    return bool(request.environ.get("wsgi.input_terminated") and request.environ["wsgi.input"].read(1))


def _body(request: Request, body: bytes) -> tuple[list[tuple[str, str]], Any]:
    """Return the form's pairs, or the JSON document, whichever it is."""
    if not body.strip():
        return [], None
    if request.mimetype == "application/x-www-form-urlencoded":
        return read_pairs(body), None
    boundary = request.mimetype_params.get("boundary")
    if request.mimetype == "multipart/form-data" and boundary:
        return _multipart(body, boundary), None
    return [], _json(body)


def _json(body: bytes) -> Any:
    try:
        try:
            return json.loads(body)
        except UnicodeDecodeError:
            # A byte that is no UTF-8 costs a character, as it does in a query, and not the call.
            return json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return _as_text(body)


def _multipart(body: bytes, boundary: str) -> list[tuple[str, str]]:
    # Not werkzeug's parser: Exotel posts multipart by default, and this one takes a fifth of the time (benchmarks/ack.py).
    most = len(body)
    parser = MultipartParser(
        io.BytesIO(body),
        boundary,
        most,
        header_limit=most,
        headersize_limit=most,
        part_limit=MAX_PARAMETERS,
        spool_limit=most,
        memory_limit=most,
    )
    pairs = []
    try:
        for part in parser:
            # A part with a file name is none of Exotel's; what it is called is kept, and that it was there.
            pairs.append((part.name, part.filename or part.raw.decode("utf-8", "replace")))
            part.close()
    except ParserLimitReached as error:
        raise ValidationError({"parameters": [f"More than {MAX_PARAMETERS}."]}) from error
    except MultipartError:
        return _forgivingly(body, boundary) or [*pairs, *_as_text(body).items()]
    return pairs


def _forgivingly(body: bytes, boundary: str) -> list[tuple[str, str]]:
    # Some writers (werkzeug's own, in tests) leave out the line break after an empty value.
    try:
        form, files = MultiPartParser().parse(io.BytesIO(body), boundary.encode(), len(body))
    except ValueError:
        return []
    uploads = [(name, upload.filename or "") for name, upload in files.items(multi=True)]
    return [*form.items(multi=True), *uploads]


def _as_text(body: bytes) -> dict[str, str]:
    return {"body": body.decode("utf-8", "replace")}

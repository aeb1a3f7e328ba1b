"""Reads a body in any format: a form, multipart, JSON.

The declared Content-Type counts unless the first bytes contradict it. `curl -d '{…}'` sends JSON under the type of forms, and
many clients send a form without a type or as `text/plain`.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

from marshmallow import ValidationError
from multipart import MultipartError, MultipartParser, ParserLimitReached
from werkzeug.formparser import MultiPartParser

from schemas.callback import MAX_PARAMETERS
from schemas.named_parameters import read_json
from webhook.callbacks.urlencoded import read_pairs

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"

Read = tuple[list[tuple[str, str]], Any]

# No encoded name of a form begins with one of these; JSON and multipart do, and so does a byte order mark.
_NO_NAME = frozenset(b'{["-\xef\xff\xfe\x00 \t\r\n')
# A name and its value, in a body that is not declared to be a form.
_FORM = re.compile(rb'[^\x00-\x20=&<>{}"]{1,200}=')
# How a multipart body begins, whatever boundary was declared (RFC 2046 section 5.1.1: at most 70 characters).
_BOUNDARY = re.compile(rb"--([^\r\n]{1,70}?)[ \t]*\r?\n")


def read_body(body: bytes, mimetype: str, boundary: str | None) -> Read:
    """Return the pairs of a form or the JSON document; a body that is neither is kept as text.

    Raises marshmallow's ValidationError for too many parts.
    """
    if not body.strip():
        return [], None
    if mimetype == URLENCODED and body[0] not in _NO_NAME:
        return _form(body)
    if mimetype == MULTIPART and boundary and body.startswith(b"--"):
        pairs, is_whole = _multipart(body, boundary)
        if pairs and is_whole:
            return pairs, None
    return _by_its_looks(_in_utf8(body).strip(), mimetype, boundary)


def _by_its_looks(body: bytes, mimetype: str, boundary: str | None) -> Read:
    if (document := _document(body)) is not None:
        return [], document
    own = _BOUNDARY.match(body)
    boundaries = [*([boundary] if boundary else []), *([own[1].decode("latin-1")] if own else [])]
    partly: list[tuple[str, str]] = []
    for one in boundaries:
        pairs, is_whole = _multipart(body, one)
        if not is_whole:
            partly, pairs = partly or pairs, _forgivingly(body, one)
        if pairs:
            return pairs, None
    if mimetype == "text/plain" and (pairs := _lines(body)):
        return pairs, None
    if mimetype == URLENCODED or _FORM.match(body):
        return _form(body)
    text = body.decode("utf-8", "replace")
    try:
        return partly, json.loads(text)
    except (ValueError, RecursionError):
        return partly, {"body": text}


def _form(body: bytes) -> Read:
    # A line break at the end comes from a file and is not part of the last value: within a value it is %0A.
    body = body.rstrip(b"\r\n")
    if (
        b"=" not in (whole := body.rstrip(b"=")) and b"%" in whole
    ):  # encoded as a whole, by `curl --data-urlencode` for one
        whole = unquote_to_bytes(whole)
        if (document := _document(whole)) is not None:
            return [], document
        body = whole if b"=" in whole else body
    return read_pairs(body), None


def _lines(body: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a form sent as plain text: one per line, nothing encoded (HTML's enctype text/plain)."""
    lines = body.decode("utf-8", "replace").splitlines()
    if len(lines) == 1 or not all("=" in line and "&" not in line for line in lines):
        return []
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def _document(body: bytes) -> Any:
    """Return a JSON object or list; None for anything else. One that was encoded twice, as a JSON string, is read too."""
    if not body.startswith((b"{", b"[", b'"')):
        return None
    try:
        try:
            document = json.loads(body)
        except UnicodeDecodeError:
            # An invalid UTF-8 byte costs one character, as it does in a query, not the call.
            document = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    if isinstance(document, str):
        document = read_json(document)
    return document if isinstance(document, dict | list) else None


def _in_utf8(body: bytes) -> bytes:
    """Return a body in UTF-16 or UTF-32, or one that begins with a byte order mark, as UTF-8 without one."""
    encoding = json.detect_encoding(body)
    return body if encoding == "utf-8" else body.decode(encoding, "replace").encode("utf-8", "replace")


def _multipart(body: bytes, boundary: str) -> tuple[list[tuple[str, str]], bool]:
    """Return the parts by name, and whether they are complete: with another boundary, or in a broken body, some are missing."""
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
            # Exotel sends no part with a file name; the part's name and the file name are kept.
            pairs.append((part.name, part.filename or part.raw.decode("utf-8", "replace")))
            part.close()
    except ParserLimitReached as error:
        raise ValidationError({"parameters": [f"More than {MAX_PARAMETERS}."]}) from error
    except MultipartError:
        return pairs, False
    return pairs, True


def _forgivingly(body: bytes, boundary: str) -> list[tuple[str, str]]:
    # Some writers (werkzeug's own, in tests) leave out the line break after an empty value.
    try:
        form, files = MultiPartParser().parse(io.BytesIO(body), boundary.encode("latin-1", "replace"), len(body))
    except ValueError:
        return []
    uploads = [(name, upload.filename or "") for name, upload in files.items(multi=True)]
    return [*form.items(multi=True), *uploads]

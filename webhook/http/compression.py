"""Compresses what is large and holds no secret: static files, the descriptions, the metrics.

Pages are sent as they are. They hold the token of a form beside what a visitor asked for, and how well that compresses tells
whoever watches the line what the token is (https://breachattack.com). No proxy should compress them either: docs/operations.md.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from flask import Flask, Response

# The endpoints whose answers are the same for everybody who may see them.
_PUBLIC = frozenset({"static", "openapi.openapi", "schema.call_record", "metrics.metrics"})
# Less than this goes into a packet as it is.
_LEAST_BYTES = 1024
# Pictures, should there be any, are compressed already.
_KINDS = ("text/", "application/", "image/svg+xml")


def install(app: Flask) -> None:
    """Compress the answers of the app that may be, for whoever takes gzip."""

    @app.after_request
    def _compress(answer: Response) -> Response:
        kind = answer.mimetype or ""
        if request.endpoint not in _PUBLIC or answer.status_code != HTTPStatus.OK or not kind.startswith(_KINDS):
            return answer
        answer.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") <= 0 or (answer.content_length or 0) < _LEAST_BYTES:
            return answer
        answer.direct_passthrough = False  # of a file, which is read here once
        plain = answer.get_data()
        answer.set_data(compressed_file(plain) if request.endpoint == "static" else _compressed(plain))
        answer.content_encoding = "gzip"
        tag, _ = answer.get_etag()
        if tag is not None:
            # These are other bytes, by another name (RFC 9110, 8.8.3.3); whoever has them already is told so.
            answer.set_etag(f"{tag}-gzip")
            answer.make_conditional(request)
        return answer


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


#: For what is asked for again: the files are few, and do not change while a process runs. The metrics are never the same twice.
compressed_file = lru_cache(maxsize=16)(_compressed)

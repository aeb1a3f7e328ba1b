"""Compresses large answers that hold no secret: static files, the API descriptions, the metrics.

Pages are not compressed. They hold a form's token next to text that a visitor controls, so their compressed size would reveal
the token to an eavesdropper (https://breachattack.com). No proxy should compress them either: docs/operations.md.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import request

if TYPE_CHECKING:
    from flask import Flask, Response

# The endpoints whose answers are the same for everyone.
_PUBLIC = frozenset({"static", "openapi.openapi", "schema.call_record", "metrics.metrics"})
# A smaller answer fits into one packet uncompressed.
_LEAST_BYTES = 1024
# Other types, such as raster images, are compressed already.
_KINDS = ("text/", "application/", "image/svg+xml")


def install(app: Flask) -> None:
    """Compress the eligible answers of the app for clients that accept gzip."""

    @app.after_request
    def _compress(answer: Response) -> Response:
        kind = answer.mimetype or ""
        if request.endpoint not in _PUBLIC or answer.status_code != HTTPStatus.OK or not kind.startswith(_KINDS):
            return answer
        answer.vary.add("Accept-Encoding")
        if request.accept_encodings.quality("gzip") <= 0 or (answer.content_length or 0) < _LEAST_BYTES:
            return answer
        answer.direct_passthrough = False  # a file is streamed by default; here it is read into memory
        plain = answer.get_data()
        answer.set_data(compressed_file(plain) if request.endpoint == "static" else _compressed(plain))
        answer.content_encoding = "gzip"
        tag, _ = answer.get_etag()
        if tag is not None:
            # Other bytes need another tag (RFC 9110, 8.8.3.3); a client that has them already gets a 304.
            answer.set_etag(f"{tag}-gzip")
            answer.make_conditional(request)
        return answer


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


#: For what is asked for again: the files are few, and do not change while a process runs. The metrics are never the same twice.
compressed_file = lru_cache(maxsize=16)(_compressed)

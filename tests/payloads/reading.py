"""Read callbacks the way the door does."""

import io
from datetime import UTC, datetime

from werkzeug.wrappers import Request

from schemas.callback import load_callbacks

NOW = datetime(2026, 9, 16, 7, 2, 26, tzinfo=UTC)
SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
OTHER = "7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"


def load(pairs=(), document=None, *, kind="status"):
    return load_callbacks(kind, list(pairs), document, received_at=NOW)


def load_one(pairs=(), document=None, *, kind="status"):
    (callback,) = load(pairs, document, kind=kind)
    return callback


def load_sample(sample, *, kind=None):
    """Read a sample as the door does: werkzeug decodes what HTTP wraps around it."""
    method, query, headers, body = sample.request
    request = Request(
        {
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    (callback,) = load_callbacks(kind or sample.to, pairs, sample.document, received_at=NOW)
    return callback

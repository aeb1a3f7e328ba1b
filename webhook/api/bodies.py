"""What a request to the API may carry: JSON, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from webhook.http.problems import problem

if TYPE_CHECKING:
    from flask import Response


def only_json() -> Response | None:
    """Refuse a body that cannot be read. The views would take one of another type for an empty one, and do as they like."""
    # Nothing but a POST has a body that anybody looks at (RFC 9110, 9.3.1 and 9.3.5).
    if request.method != "POST" or not request.get_data():
        return None
    try:
        # JSON can spell half of a surrogate pair, which is no text: what it was kept in could never be shown again.
        json.dumps(request.get_json(), ensure_ascii=False).encode()
    except UnsupportedMediaType:
        return problem(415, "Send JSON, as `Content-Type: application/json`.")
    except UnicodeEncodeError:
        return problem(400, "The body holds half of a surrogate pair (`\\ud800` to `\\udfff` alone), which is no text.")
    except (BadRequest, RecursionError):  # it nests deeper than Python can follow
        return problem(400, "The body is no JSON, or nests too deep.")
    return None

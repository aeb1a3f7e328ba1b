"""Checks the body of a request to the API: JSON, or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from webhook.http.problems import problem

if TYPE_CHECKING:
    from flask import Response


def only_json() -> Response | None:
    """Refuse a body that is not JSON. The views would treat one of another type as empty, and act on everything."""
    # Of the others no body is read (RFC 9110, 9.3.1 and 9.3.5).
    if request.method not in {"POST", "PATCH"} or not request.get_data():
        return None
    try:
        # JSON can spell a lone surrogate, which is not valid text: a value with one could be stored but never shown.
        json.dumps(request.get_json(), ensure_ascii=False).encode()
    except UnsupportedMediaType:
        return problem(415, "Send JSON, as `Content-Type: application/json`.")
    except UnicodeEncodeError:
        return problem(400, "The body holds a lone surrogate (`\\ud800` to `\\udfff`), which is not valid text.")
    except (BadRequest, RecursionError):  # nested deeper than Python can parse
        return problem(400, "The body is not valid JSON, or is nested too deeply.")
    return None

"""What a request to the API may carry: JSON, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from webhook.errors import problem

if TYPE_CHECKING:
    from flask import Response


def only_json() -> Response | None:
    """Refuse a body that cannot be read. The views would take one of another type for an empty one, and do as they like."""
    if not request.get_data():
        return None
    try:
        request.get_json()
    except UnsupportedMediaType:
        return problem(415, "Send JSON, as `Content-Type: application/json`.")
    except (BadRequest, RecursionError):  # it nests deeper than Python can follow
        return problem(400, "The body is no JSON, or nests too deep.")
    return None

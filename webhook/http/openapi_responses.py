"""Describes the responses of the views outside of the API; flask-smorest puts this into the OpenAPI document."""

from __future__ import annotations

from typing import Any

PROBLEM_TYPE = "application/problem+json"
#: Needs neither a password nor a token.
PUBLIC: list[dict[str, list[str]]] = []

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status alone names the problem."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The status."},
        "detail": {"type": "string", "description": "What is wrong and how to correct it."},
        "errors": {"type": "object", "description": "What is wrong, by field.", "additionalProperties": True},
    },
    "required": ["title", "status"],
}


#: Errors that any request may get before it reaches a view.
UNREADABLE = {"4XX": {"description": "The request is not valid HTTP, or is too large."}}


# The headers of error responses.
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_HEADERS = {
    "401": {"WWW-Authenticate": {"description": "The accepted authentication schemes.", "schema": {"type": "string"}}},
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}


def answered(description: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    """Describe a response: its meaning and its shape (a marshmallow schema, or JSON Schema)."""
    return {"description": description, "content": {media: {"schema": schema}}}


def refusals(meanings: dict[str, str]) -> dict[str, Any]:
    """Describe error responses by status: each is problem details."""
    shape = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            **answered(meaning, shape, PROBLEM_TYPE),
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status, meaning in meanings.items()
    }

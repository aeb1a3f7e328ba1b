"""What the views outside of the API say of their answers: flask-smorest puts it into the OpenAPI document."""

from __future__ import annotations

from typing import Any

PROBLEM_TYPE = "application/problem+json"
#: Nobody needs a password or a token for it.
PUBLIC: list[dict[str, list[str]]] = []

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string", "description": "`about:blank`: the status says it all."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The status."},
        "detail": {"type": "string", "description": "What would be right."},
        "errors": {"type": "object", "description": "By field, what is wrong.", "additionalProperties": True},
    },
    "required": ["title", "status"],
}


#: What any request may be refused with before a view sees it.
UNREADABLE = {"4XX": {"description": "The request cannot be read: it is no HTTP, or more of it than is taken."}}


# The headers that say more of a refusal.
_RETRY_AFTER = {
    "Retry-After": {"description": "In how many seconds to ask again.", "schema": {"type": "integer", "minimum": 0}}
}
_HEADERS = {
    "401": {"WWW-Authenticate": {"description": "What would do.", "schema": {"type": "string"}}},
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}


def answered(description: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    """Describe an answer: what it means, and its shape (a marshmallow schema, or JSON Schema)."""
    return {"description": description, "content": {media: {"schema": schema}}}


def refusals(meanings: dict[str, str]) -> dict[str, Any]:
    """Describe refusals by their status: each is problem details."""
    shape = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            **answered(meaning, shape, PROBLEM_TYPE),
            **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
        }
        for status, meaning in meanings.items()
    }

"""Describes callbacks in the OpenAPI document; `parameters.py` and `schemas.callback` implement the description."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from webhook.http.openapi_responses import PUBLIC, answered, refusals

_SID = {"type": "string", "pattern": "^[0-9A-Za-z]{8,64}$"}
_EXAMPLE_SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
_EXAMPLE = {"CallSid": _EXAMPLE_SID, "EventType": "terminal", "Status": "completed"}


class Accepted(Schema):
    """One call's callback was stored."""

    call_sid = fields.String(
        validate=validate.Regexp(_SID["pattern"]),
        metadata={"description": "The call. Absent when an empty POST, which is ignored, named none."},
    )
    accepted = fields.Boolean(
        required=True,
        metadata={"description": "False when the call was known already; the callback is kept all the same."},
    )
    test = fields.Boolean(
        metadata={
            "description": "True for a CallSid that begins with `legworktest`: it is counted as a test, and no call."
        }
    )


class AcceptedCalls(Schema):
    """The callbacks of several calls were stored: the answer to `call_sids`."""

    calls = fields.List(fields.Nested(Accepted()), required=True, metadata={"description": "Each call that was named."})


def _with_call_sid(how: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": f"Exotel's parameters of a call, {how}. Only the CallSid is read; the rest is stored as received.",
        "properties": {"CallSid": {**_SID, "description": "The call. Any case; `call_sid` and `Call.Sid` work too."}},
        "required": ["CallSid"],
        "additionalProperties": True,
    }


#: The document's named schemas. Each kind of body has its own: generated clients choose the media type by the schema, and some
#: send several at once where two kinds share one.
SHAPES = {
    "CallbackForm": _with_call_sid("as a form"),
    "CallbackMultipart": _with_call_sid("as a multipart form, which is Exotel's default"),
    "CallbackJson": _with_call_sid("as JSON"),
    "CallbackBatch": {
        "type": "object",
        "description": "A callback for several calls, as campaigns send it.",
        "properties": {"call_sids": {"type": "array", "items": _SID, "minItems": 1, "description": "The calls."}},
        "required": ["call_sids"],
        "additionalProperties": True,
    },
}


def _named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_IN_QUERY = {
    "name": "CallSid",
    "in": "query",
    "required": True,
    "description": "The call. All other parameters of the query are stored as received.",
    "schema": _SID,
    "example": _EXAMPLE_SID,
}
_ALSO_IN_QUERY = {**_IN_QUERY, "required": False, "description": "The call, if the body does not name it."}
_BODY = {
    "description": "Parameters of the query and of the body are merged.",
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {"schema": _named("CallbackForm"), "example": _EXAMPLE},
        "multipart/form-data": {"schema": _named("CallbackMultipart"), "example": _EXAMPLE},
        "application/json": {
            "schema": {"anyOf": [_named("CallbackJson"), _named("CallbackBatch")]},
            "examples": {
                "one": {"summary": "One call", "value": _EXAMPLE},
                "several": {"summary": "Several calls", "value": {"call_sids": [_EXAMPLE_SID]}},
            },
        },
    },
}
_ANSWERS = {
    "200": answered("The callback is durably stored.", {"oneOf": [Accepted, AcceptedCalls]}),
    **refusals(
        {
            "400": "No usable CallSid, or too many parameters (`errors` names the field); or a body that cannot be read.",
            "404": "Wrong token, or an address that may not post callbacks.",
            "408": "The body did not arrive within ten seconds.",
            "413": "The body is larger than 256 KiB, or was before it was compressed.",
            "415": "The body's `Content-Encoding` is neither gzip nor deflate, and the query names no call.",
            "503": "The ledger is unreachable, full, or another Legwork's: nothing was stored, send the callback again.",
        }
    ),
}


def by_query(kind: str) -> dict[str, Any]:
    """Describe a callback that is a GET. `kind` is `passthru` or `status`."""
    operation = {"operationId": f"{kind}_by_query", "parameters": [_IN_QUERY], "responses": _ANSWERS}
    return {**operation, "security": PUBLIC}


def by_body(kind: str) -> dict[str, Any]:
    """Describe a callback that is a POST."""
    operation = {"operationId": f"{kind}_by_body", "parameters": [_ALSO_IN_QUERY], "requestBody": _BODY}
    return {**operation, "responses": _ANSWERS, "security": PUBLIC}

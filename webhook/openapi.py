"""The HTTP interface, described: as OpenAPI 3.1 for programs, as a page for people."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, jsonify, render_template

from schemas.json_schema import json_schema

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("openapi", __name__)

_ACCEPTED = {
    "type": "object",
    "properties": {
        "call_sid": {"type": "string", "pattern": "^[0-9A-Za-z]{8,64}$"},
        "accepted": {"type": "boolean", "description": "False when the call was known already."},
    },
    "required": ["accepted"],
}
_ANSWER = {
    "oneOf": [
        _ACCEPTED,
        {
            "type": "object",
            "description": "The answer to `call_sids`.",
            "properties": {"calls": {"type": "array", "items": _ACCEPTED}},
            "required": ["calls"],
        },
    ]
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "description": "By field, what is wrong."},
    },
    "required": ["title", "status"],
}
# What flask-smorest says of errors and of pages, of which there are none here.
_NOT_OURS = {"Error", "PaginationMetadata"}
# The refusals of which flask-smorest says nothing but that there are such.
_MEANINGS = {"422": "Some of it cannot be used; `errors` says by field what is wrong.", "default": "Any other refusal."}
# Those that every part of the API has.
_REFUSALS = {
    "401": "The password is missing or wrong.",
    "429": "Too many wrong passwords came from there; `Retry-After` says when the next is listened to.",
    "503": "The ledger is out of reach: nothing was done.",
}
_TOKEN = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "The account's CALLBACK_TOKEN.",
    "schema": {"type": "string"},
}


def _refusals(*statuses: tuple[str, str]) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": meaning, "content": content} for status, meaning in statuses}


def _callback(kind: str, summary: str) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "200": {
            "description": "The callback is durably noted.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
        },
        **_refusals(
            ("400", "No usable CallSid, or beyond the limits; the field is named."),
            ("404", "Wrong token, or an address that may not post callbacks."),
            ("413", "A body over 256 KiB."),
            ("503", "The ledger is out of reach: nothing was noted, send it again."),
        ),
    }
    body = {
        "content": {
            media: {"schema": {"type": "object"}}
            for media in ("multipart/form-data", "application/x-www-form-urlencoded", "application/json")
        }
    }
    operation = {"summary": summary, "tags": ["callbacks"], "responses": answers}
    return {
        "parameters": [_TOKEN],
        "get": {**operation, "operationId": f"{kind}_by_query"},
        "post": {**operation, "operationId": f"{kind}_by_body", "requestBody": body},
    }


def _probe(kind: str, summary: str, *, may_fail: bool) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": "Yes.", "content": {"application/json": {}}}}
    if may_fail:
        answers["503"] = {"description": "No; each part's state by name.", "content": {"application/json": {}}}
    return {"get": {"operationId": kind, "summary": summary, "tags": ["probes"], "responses": answers}}


def _for_operators(item: dict[str, Any]) -> dict[str, Any]:
    """Describe a path of the API: what it says of itself, who may ask, and that all it refuses is problem details."""
    operations = {}
    for method, operation in item.items():
        if method == "parameters":
            operations[method] = operation
            continue
        answers, meanings = {}, {**_REFUSALS}
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answers[status] = answer
            else:
                meanings[status] = answer.get("description") or _MEANINGS[status]
        responses = {**answers, **_refusals(*meanings.items())}
        operations[method] = {**operation, "responses": responses, "security": [{"password": []}]}
    return operations


def document() -> dict[str, Any]:
    """Return the OpenAPI document: what is here, and what the API tells of itself."""
    own = current_app.extensions["legwork-api"].spec.to_dict()
    schemas = {name: schema for name, schema in own["components"]["schemas"].items() if name not in _NOT_OURS}
    metrics = {"200": {"description": "Metrics.", "content": {"text/plain": {}}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Legwork",
            "version": version("legwork"),
            "summary": "Every completed Exotel call, every leg, once.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/callbacks/{token}/passthru": _callback("passthru", "Take what a Passthru applet asks for."),
            "/callbacks/{token}/status": _callback("status", "Take a StatusCallback."),
            "/livez": _probe("livez", "Are requests answered at all?", may_fail=False),
            "/readyz": _probe("readyz", "Can a callback be noted?", may_fail=True),
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "Metrics in Prometheus's text format.",
                    "tags": ["probes"],
                    "responses": {**metrics, **_refusals(("503", "The ledger is out of reach."))},
                }
            },
            **{path: _for_operators(item) for path, item in own["paths"].items()},
        },
        "webhooks": {
            "record": {
                "post": {
                    "summary": "What a webhook sink receives: one CloudEvent in structured mode.",
                    "tags": ["records"],
                    "requestBody": {"content": {"application/cloudevents+json": {"schema": json_schema()}}},
                    "responses": {"200": {"description": "Any 2xx: delivered."}},
                }
            }
        },
        "components": {
            "schemas": {**schemas, "Answer": _ANSWER, "Problem": _PROBLEM},
            "securitySchemes": {"password": {"type": "http", "scheme": "basic", "description": "CONSOLE_PASSWORD"}},
        },
    }


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Return the description."""
    return jsonify(document())


@blueprint.get("/docs")
def docs() -> ResponseReturnValue:
    """Show the description to a person."""
    return render_template("docs.html", document=document())

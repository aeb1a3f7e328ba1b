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


def _probe(summary: str, *, may_fail: bool) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": "Yes.", "content": {"application/json": {}}}}
    if may_fail:
        answers["503"] = {"description": "No; each part's state by name.", "content": {"application/json": {}}}
    return {"get": {"summary": summary, "tags": ["probes"], "responses": answers}}


def document() -> dict[str, Any]:
    """Return the OpenAPI document: what is here, and what the API tells of itself."""
    own = current_app.extensions["legwork-api"].spec.to_dict()
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
            "/livez": _probe("Are requests answered at all?", may_fail=False),
            "/readyz": _probe("Can a callback be noted?", may_fail=True),
            "/metrics": {
                "get": {
                    "summary": "Metrics in Prometheus's text format.",
                    "tags": ["probes"],
                    "responses": {**metrics, **_refusals(("503", "The ledger is out of reach."))},
                }
            },
            **own["paths"],
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
            **own.get("components", {}),
            "schemas": {**own["components"]["schemas"], "Answer": _ANSWER, "Problem": _PROBLEM},
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

"""The HTTP interface, described: as OpenAPI 3.1 for programs, as a page for people."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, jsonify, render_template

from schemas.json_schema import json_schema
from webhook.console.gate import recognise
from webhook.context.services import services
from webhook.http.operators import scope_of
from webhook.reference.page import page

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
# Those that every part of the API has.
_REFUSALS = {
    "401": "Password or token are missing or wrong; `WWW-Authenticate` says what would do.",
    "403": "The token's scope is too small, or a page of another site asked.",
    "404": "Without CONSOLE_PASSWORD and without a token, the API is there for its own machine only.",
    "422": "Some of it cannot be used; `errors` says by field what is wrong.",
    "429": "Too many wrong ones came from there; `Retry-After` says when the next is listened to.",
    "503": "The ledger is out of reach: nothing was done.",
}
# Those of whatever is posted.
_REFUSED_BODIES = {
    "400": "The body is no JSON, or nests too deep.",
    "413": "The body is larger than 256 KiB.",
    "415": "The body is of another type than JSON.",
}
_SECURITY_SCHEMES = {
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "CONSOLE_PASSWORD, with any user name. It may do everything.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "lw_…",
        "description": "What `legwork token create` made. `operate` includes `read`.",
    },
}
# What of a path no schema describes.
_IN_PATHS = {"sid": "The call's CallSid.", "name": "The sink's name."}
# What is there beside the API.
_TAGS = [
    {"name": "callbacks", "description": "What Exotel posts."},
    {"name": "probes", "description": "For whoever watches over it."},
]
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


def _for_operators(path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Describe a path of the API: what it says of itself, who may ask, and that all it refuses is problem details."""
    operations: dict[str, Any] = {}
    for method, operation in item.items():
        if method == "parameters":
            operations[method] = [{**each, "description": _IN_PATHS[each["name"]]} for each in operation]
            continue
        posted = _REFUSED_BODIES if method == "post" else {}
        answers, meanings = {}, {**_REFUSALS, **posted}
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answers[status] = answer
            elif status != "default":  # there is no other refusal
                meanings[status] = answer.get("description") or _REFUSALS[status]
        responses = {**answers, **_refusals(*sorted(meanings.items()))}
        scope = scope_of(method.upper(), path).value
        security: list[dict[str, list[str]]] = [{"password": []}, {"token": [scope]}]
        if services().settings.console_password is None:
            security.append({})  # whoever sits at this machine
        operations[method] = {**operation, "responses": responses, "security": security}
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
        "tags": [*_TAGS, *own["tags"], {"name": "records", "description": "What sinks receive."}],
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
            **{path: _for_operators(path, item) for path, item in own["paths"].items()},
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
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Return the description."""
    return jsonify(document())


@blueprint.get("/docs")
def docs() -> ResponseReturnValue:
    """Show the description to a person."""
    recognise()
    return render_template("docs.html", **page(document()))

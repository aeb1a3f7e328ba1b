"""Describes the HTTP interface: as OpenAPI 3.1 for programs, as a page for people."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, jsonify, render_template

from schemas.json_schema import record_definitions
from webhook.context.services import services
from webhook.http.openapi_responses import PROBLEM, PUBLIC, refusals
from webhook.http.operators import scope_of
from webhook.reference.page import page

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("openapi", __name__)

# flask-smorest's own schemas for errors and pagination, which are not used here.
_NOT_OURS = {"Error", "PaginationMetadata"}
# Errors that every operation of the API may return.
_REFUSALS = {
    "401": "The password or token is missing or wrong; `WWW-Authenticate` names the accepted schemes.",
    "403": "The token's scope does not include `x-scope`, or another site's page sent the request.",
    "404": "Without CONSOLE_PASSWORD and without a token, the API answers only its own machine.",
    "422": "Some fields are invalid; `errors` says by field what is wrong.",
    "429": "Too many wrong passwords or tokens from this address; `Retry-After` says when to try again.",
    "503": "The ledger is unreachable, or another Legwork's: nothing was done.",
}
# Errors of operations with a body.
_REFUSED_BODIES = {
    "400": "The body is not valid JSON, is nested too deeply, or is cut off.",
    "408": "The body did not arrive within ten seconds.",
    "413": "The body is larger than 256 KiB.",
    "415": "The body's type is not JSON.",
}
_SECURITY_SCHEMES = {
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "CONSOLE_PASSWORD, with any user name. It allows everything.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "lw_…",
        "description": "A token made by `legwork token create`. `operate` includes `read`.",
    },
}
# The path parameters, which no schema describes.
_IN_PATHS = {
    "sid": "The call's CallSid.",
    "account": "The SID of the Exotel account.",
    "name": "The sink's name.",
    "token": "The account's CALLBACK_TOKEN.",
    "report": "The report's name: agents, missed, hours or callers.",
}
_ABOUT = (
    "Exotel's callbacks arrive at `/callbacks`, are stored durably, then answered. Records of calls go out to sinks: see "
    "`webhooks`. `/api` is for operators' programs. Every error is problem details (RFC 9457)."
)
_RECORD = {
    "operationId": "receive_record",
    "summary": "Receive a record",
    "description": "What a webhook receives: one CloudEvent in structured mode, signed according to Standard Webhooks.",
    "tags": ["records"],
    "security": PUBLIC,
    "requestBody": {
        "required": True,
        "content": {"application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/CallRecord"}}},
    },
    "responses": {
        "2XX": {"description": "Delivered."},
        "410": {"description": "The webhook is disabled; its deliveries wait."},
        "429": {"description": "Retried, after `Retry-After` at the earliest."},
        "default": {"description": "Retried according to DELIVERY_SCHEDULE."},
    },
}


def _describe_path(path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a path, completed with what all paths of its kind share."""
    described: dict[str, Any] = {}
    for method, operation in item.items():
        if method == "parameters":
            described[method] = [{**each, "description": _IN_PATHS[each["name"]]} for each in operation]
        else:
            # A summary is a title, a docstring's first line a sentence.
            titled = {**operation, "summary": operation["summary"].removesuffix(".")}
            titled["responses"] = {
                status: each for status, each in operation["responses"].items() if status != "default"
            }
            described[method] = _for_operators(method, path, titled) if path.startswith("/api/") else titled
    return described


def _for_operators(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Describe an operation of the API: its authentication, and its errors as problem details."""
    posted = _REFUSED_BODIES if method in {"post", "patch"} else {}
    answers, meanings = {}, {**_REFUSALS, **posted}
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answers[status] = answer
        else:
            meanings[status] = answer.get("description") or _REFUSALS[status]
    responses = {**answers, **refusals(dict(sorted(meanings.items())))}
    scope = scope_of(method.upper(), path).value
    security: list[dict[str, list[str]]] = [{"password": []}, {"token": []}]
    if services().settings.console_password is None:
        security.append({})  # a client on this machine needs no credentials
    # OpenAPI 3.1 allows the scope next to the token's name, but validators take it there for an OAuth 2 scope.
    return {**operation, "responses": responses, "security": security, "x-scope": scope}


def document() -> dict[str, Any]:
    """Return the OpenAPI document, which is generated from the views."""
    own = current_app.extensions["legwork-api"].spec.to_dict()
    schemas = {name: schema for name, schema in own["components"]["schemas"].items() if name not in _NOT_OURS}
    paths = {path: _describe_path(path, item) for path, item in own["paths"].items()}
    used = {tag for item in paths.values() for method in item.keys() - {"parameters"} for tag in item[method]["tags"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Legwork",
            "version": version("legwork"),
            "summary": "Every completed Exotel call, every leg, once.",
            "description": _ABOUT,
            "contact": {"name": "The Legwork maintainers"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        # This process cannot know its public URL; the reader does.
        "servers": [{"url": "/", "description": "The server of this document."}],
        "tags": [
            *(tag for tag in own["tags"] if tag["name"] in used),
            {"name": "records", "description": "What sinks receive."},
        ],
        "paths": paths,
        "webhooks": {"record": {"post": _RECORD}},
        "components": {
            "schemas": {**schemas, **record_definitions("#/components/schemas/"), "Problem": PROBLEM},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Return the OpenAPI document."""
    return jsonify(document())


@blueprint.get("/docs")
def docs() -> ResponseReturnValue:
    """Show the OpenAPI document as a page."""
    return render_template("docs.html", **page(document()))

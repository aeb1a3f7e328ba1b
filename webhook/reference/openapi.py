"""The HTTP interface, described: as OpenAPI 3.1 for programs, as a page for people."""

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

# What flask-smorest says of errors and of pages, of which there are none here.
_NOT_OURS = {"Error", "PaginationMetadata"}
# Those that every part of the API has.
_REFUSALS = {
    "401": "Password or token are missing or wrong; `WWW-Authenticate` says what would do.",
    "403": "The token's scope is smaller than `x-scope`, or a page of another site asked.",
    "404": "Without CONSOLE_PASSWORD and without a token, the API is there for its own machine only.",
    "422": "Some of it cannot be used; `errors` says by field what is wrong.",
    "429": "Too many wrong ones came from there; `Retry-After` says when the next is listened to.",
    "503": "The ledger is out of reach, or another Legwork's: nothing was done.",
}
# Those of whatever is posted.
_REFUSED_BODIES = {
    "400": "The body is no JSON, nests too deep, or is cut off.",
    "408": "The body was not there within ten seconds.",
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
_IN_PATHS = {"sid": "The call's CallSid.", "name": "The sink's name.", "token": "The account's CALLBACK_TOKEN."}
_ABOUT = (
    "Exotel's callbacks come in at `/callbacks`, are stored durably, then answered. Records of calls go out to sinks: see "
    "`webhooks`. `/api` is for operators' programs. Every refusal is problem details (RFC 9457)."
)
_RECORD = {
    "operationId": "receive_record",
    "summary": "Receive a record",
    "description": "What a webhook receives: one CloudEvent in structured mode, signed by Standard Webhooks.",
    "tags": ["records"],
    "security": PUBLIC,
    "requestBody": {
        "required": True,
        "content": {"application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/CallRecord"}}},
    },
    "responses": {
        "2XX": {"description": "Delivered."},
        "410": {"description": "The webhook is disabled; what waits for it is kept."},
        "429": {"description": "Tried again, after `Retry-After` at the earliest."},
        "default": {"description": "Tried again, by DELIVERY_SCHEDULE."},
    },
}


def _told(path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return what a path says of itself, with what the document says of its kind."""
    told: dict[str, Any] = {}
    for method, operation in item.items():
        if method == "parameters":
            told[method] = [{**each, "description": _IN_PATHS[each["name"]]} for each in operation]
        else:
            # A summary is a title, where a docstring is a sentence.
            titled = {**operation, "summary": operation["summary"].removesuffix(".")}
            titled["responses"] = {
                status: each for status, each in operation["responses"].items() if status != "default"
            }
            told[method] = _for_operators(method, path, titled) if path.startswith("/api/") else titled
    return told


def _for_operators(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Describe an operation of the API: who may ask, and that all it refuses is problem details."""
    posted = _REFUSED_BODIES if method == "post" else {}
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
        security.append({})  # whoever sits at this machine
    # OpenAPI 3.1 would have the scope stand beside the token; what checks documents takes it there for one of OAuth 2.
    return {**operation, "responses": responses, "security": security, "x-scope": scope}


def document() -> dict[str, Any]:
    """Return the OpenAPI document, which the views tell of themselves."""
    own = current_app.extensions["legwork-api"].spec.to_dict()
    schemas = {name: schema for name, schema in own["components"]["schemas"].items() if name not in _NOT_OURS}
    paths = {path: _told(path, item) for path, item in own["paths"].items()}
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
        # Where it is reached from, this process cannot know; whoever reads this does.
        "servers": [{"url": "/", "description": "The Legwork that this document came from."}],
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
    """Return the description."""
    return jsonify(document())


@blueprint.get("/docs")
def docs() -> ResponseReturnValue:
    """Show the description to a person."""
    return render_template("docs.html", **page(document()))

"""Serves the JSON Schema of the records at the path that their `dataschema` names."""

from __future__ import annotations

from flask import Blueprint, Response, json

from schemas.json_schema import json_schema

blueprint = Blueprint("schema", __name__)


@blueprint.get("/schemas/call-record/v1.json")
def call_record() -> Response:
    """Return the JSON Schema of the whole event."""
    return Response(json.dumps(json_schema()), content_type="application/schema+json")

"""The JSON Schema of the record, generated from its one declaration in `schemas.record`."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from schemas.fields import Instant, Seconds
from schemas.record import DATASCHEMA, EVENT, CallDataSchema

_TYPES: dict[type, dict[str, Any]] = {
    Instant: {"type": "string", "format": "date-time"},
    Seconds: {"type": "number", "minimum": 0},
    fields.Boolean: {"type": "boolean"},
    fields.Dict: {"type": "object"},
    fields.Float: {"type": "number"},
    fields.Integer: {"type": "integer"},
    fields.String: {"type": "string"},
}


@cache
def json_schema() -> dict[str, Any]:
    """
    Give the JSON Schema (2020-12) of a record; do not change what you are given.

    The event's `data` alone fits it too: that is what CloudEvents means by `dataschema`.
    Keys that are not in it are allowed, as records may gain some.
    """
    definitions: dict[str, Any] = {}
    event = _reference(EVENT, definitions)
    data = _reference(CallDataSchema(), definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": DATASCHEMA,
        "title": "A Legwork call record",
        "if": {"required": ["specversion"]},
        "then": event,
        "else": data,
        "$defs": definitions,
    }


def _reference(schema: Schema, definitions: dict[str, Any]) -> dict[str, Any]:
    name = type(schema).__name__.removesuffix("Schema")
    if name not in definitions:
        definitions[name] = {
            "type": "object",
            "description": type(schema).__doc__,
            "properties": {key: _property(field, definitions) for key, field in schema.fields.items()},
            "required": [key for key, field in schema.fields.items() if field.required],
        }
    return {"$ref": f"#/$defs/{name}"}


def _property(field: fields.Field[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    shape = _shape(field, definitions)
    for rule in field.validators:
        shape |= _constraint(rule)
    if field.allow_none:
        shape["type"] = [shape["type"], "null"]
        if "enum" in shape:
            shape["enum"] = [*shape["enum"], None]
    if "doc" in field.metadata:
        shape["description"] = field.metadata["doc"]
    return shape


def _shape(field: fields.Field[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if isinstance(field, fields.Nested):
        return _reference(field.schema, definitions)
    if isinstance(field, fields.List):
        return {"type": "array", "items": _property(field.inner, definitions)}
    return dict(_TYPES[type(field)])


def _constraint(rule: Any) -> dict[str, Any]:
    match rule:
        case validate.OneOf():
            return {"enum": list(rule.choices)}
        case validate.Equal():
            return {"const": rule.comparable}
        case validate.Regexp():
            return {"pattern": rule.regex.pattern}
        case validate.Range():
            return {"minimum": rule.min}
    raise TypeError(f"no JSON Schema is known for {rule!r}")

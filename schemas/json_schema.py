"""Generate the record's JSON Schema from the marshmallow schemas in `schemas.record`."""

from __future__ import annotations

from functools import cache
from typing import Any

from marshmallow import Schema, fields, validate

from schemas.fields import Instant, Seconds
from schemas.record import DATASCHEMA, EVENT

_TYPES: dict[type, dict[str, Any]] = {
    Instant: {"type": "string", "format": "date-time"},
    Seconds: {"type": "number", "minimum": 0},
    fields.Boolean: {"type": "boolean"},
    fields.Dict: {"type": "object"},
    fields.Float: {"type": "number"},
    fields.Integer: {"type": "integer"},
    fields.String: {"type": "string"},
}


# Names of definitions that differ from the schema's own: code generators name classes after them.
_NAMES = {"EventSchema": "CallRecord"}


@cache
def json_schema() -> dict[str, Any]:
    """
    Return the JSON Schema (2020-12) of a record. It is shared: do not modify it.

    The record's `data` alone is valid too: that is what CloudEvents means by `dataschema`. Both are named definitions, so
    that type generators make a class of each; `specversion`, which `data` does not have, distinguishes the two.
    Additional keys are allowed, since later versions may add some.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": DATASCHEMA,
        "title": "Legwork record",
        "description": "A record as sinks receive it (CallRecord), or its `data` alone (CallData).",
        "type": "object",
        "oneOf": [{"$ref": "#/$defs/CallRecord"}, {"$ref": "#/$defs/CallData"}],
        "$defs": record_definitions("#/$defs/"),
    }


def record_definitions(where: str) -> dict[str, Any]:
    """Return the definitions that a record consists of, by name: `CallRecord` and those nested in it.

    `where` is the prefix of references to them, such as `#/$defs/`.
    """
    definitions = _Definitions(where)
    definitions.refer_to(EVENT)
    return definitions.found


class _Definitions:
    def __init__(self, where: str) -> None:
        self.where = where
        self.found: dict[str, Any] = {}

    def refer_to(self, schema: Schema) -> dict[str, Any]:
        kind = type(schema).__name__
        name = _NAMES.get(kind, kind.removesuffix("Schema"))
        if name not in self.found:
            shape: dict[str, Any] = {"type": "object", "description": type(schema).__doc__}
            self.found[name] = shape
            shape["properties"] = {key: self._property(field) for key, field in schema.fields.items()}
            shape["required"] = [key for key, field in schema.fields.items() if field.required]
        return {"$ref": f"{self.where}{name}"}

    def _property(self, field: fields.Field[Any]) -> dict[str, Any]:
        shape = self._shape(field)
        for rule in field.validators:
            shape |= _constraint(rule)
        if field.allow_none:
            shape["type"] = [shape["type"], "null"]
            if "enum" in shape:
                shape["enum"] = [*shape["enum"], None]
        # A description beside a reference would make generators create a second class, so the definition's own is used.
        if "doc" in field.metadata and not isinstance(field, fields.Nested):
            shape["description"] = field.metadata["doc"]
        return shape

    def _shape(self, field: fields.Field[Any]) -> dict[str, Any]:
        if isinstance(field, fields.Nested):
            return self.refer_to(field.schema)
        if isinstance(field, fields.List):
            return {"type": "array", "items": self._property(field.inner)}
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

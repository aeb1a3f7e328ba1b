"""Prepares the OpenAPI document for the /docs page: operations by tag, with every field and a curl example to paste."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Example values by type, where the schema gives none.
_EXAMPLES = {"string": "…", "integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}
# In an example, a path parameter is a shell variable. TOKEN is the API's token.
_VARIABLES = {"token": "CALLBACK_TOKEN"}


class Field(NamedTuple):
    """A row of a table: a parameter, or a field of a body or an answer.

    Nested fields have a path: `calls[].state` in a list, `sinks.*.state` in an object with any keys.
    """

    name: str
    type: str
    required: bool
    description: str


class Operation(NamedTuple):
    """An operation as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    responses: dict[str, Any]
    curl: str


class Group(NamedTuple):
    """The operations of a tag."""

    name: str
    description: str
    operations: list[Operation]


def page(document: dict[str, Any]) -> dict[str, Any]:
    """Return the template's variables: operations by tag, in the document's order."""
    schemas = document["components"]["schemas"]
    meanings = {tag["name"]: tag["description"] for tag in document["tags"]}
    groups: dict[str, Group] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                shared, tag = item.get("parameters", []), operation["tags"][0]
                found = _operation(method, path, {**operation}, shared, schemas)
                groups.setdefault(tag, Group(tag, meanings[tag], [])).operations.append(found)
    return {"groups": list(groups.values())}


def _operation(
    method: str, path: str, operation: dict[str, Any], shared: list[dict[str, Any]], schemas: dict[str, Any]
) -> Operation:
    parameters = [
        Field(each["name"], _type(each["schema"]), each.get("required", False), _told(each))
        for each in [*shared, *operation.get("parameters", [])]
    ]
    media, body = _content(operation.get("requestBody", {}))
    answer: dict[str, Any] = next(
        (found for status, found in operation["responses"].items() if status.startswith("2")), {}
    )
    scope = operation.get("x-scope", "")
    return Operation(
        method,
        path,
        operation["summary"],
        operation["description"],
        scope,
        parameters,
        list(_fields(body.get("schema", {}), schemas)),
        list(_fields(_content(answer)[1].get("schema", {}), schemas)),
        operation["responses"],
        " ".join(["curl", *_words(method, media, body, schemas, with_token=bool(scope)), _url(path, operation)]),
    )


def _content(holder: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the first media type, which is the one to show, and its description."""
    return next(iter(holder.get("content", {}).items()), ("", {}))


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with its fields: of an array its items', of `oneOf` those of all alternatives."""
    if schema.get("type") == "array":
        schema = schema["items"]
    if "oneOf" in schema:
        ways = [_resolved(way, schemas) for way in schema["oneOf"]]
        return {"properties": {name: part for way in ways for name, part in way["properties"].items()}}
    if "$ref" in schema:
        found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _fields(schema: dict[str, Any], schemas: dict[str, Any], within: str = "") -> Iterator[Field]:
    """Yield the fields of a schema, each followed by its nested fields."""
    resolved = _resolved(schema, schemas)
    required = resolved.get("required", [])
    for name, part in resolved.get("properties", {}).items():
        yield Field(f"{within}{name}", _type(part), name in required, _told(part))
        inner, sign = part, ""
        if part.get("type") == "array":
            inner, sign = part["items"], "[]"
        elif isinstance(part.get("additionalProperties"), dict):
            inner, sign = part["additionalProperties"], ".*"
        if "$ref" in inner:
            yield from _fields(inner, schemas, f"{within}{name}{sign}.")


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"] if each is not None)
    kinds = schema.get("type", "any")
    named = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return f"{named} of {_type(schema['items'])}" if named == "array" and schema.get("items") else named


def _told(part: dict[str, Any]) -> str:
    default = part.get("schema", part).get("default")
    also = "" if default is None else f" Default: {json.dumps(default)}."
    return f"{part.get('description') or part.get('schema', {}).get('description', '')}{also}".strip()


def _words(
    method: str, media: str, body: dict[str, Any], schemas: dict[str, Any], *, with_token: bool
) -> Iterator[str]:
    """Yield curl's arguments before the URL."""
    if with_token:
        yield '-H "Authorization: Bearer $TOKEN"'
    resolved = _resolved(body.get("schema", {}), schemas)
    if not resolved.get("properties"):
        if method != "get":
            yield f"-X {method.upper()}"
        return
    least = {name: _example(resolved["properties"][name]) for name in resolved.get("required", [])}
    example = body.get("example", least)
    if method != "post":  # which a body alone means to curl
        yield f"-X {method.upper()}"
    if media == "application/json":
        yield f"--json '{json.dumps(example, ensure_ascii=False)}'"
    else:
        yield from (f"-d '{name}={value}'" for name, value in example.items())


def _url(path: str, operation: dict[str, Any]) -> str:
    # curl would expand braces, and request the sink called `name`.
    filled = re.sub(r"{(\w+)}", lambda part: f"${_VARIABLES.get(part[1], part[1].upper())}", path)
    needed = [each for each in operation.get("parameters", []) if each["in"] == "query" and each.get("required")]
    query = "&".join(f"{each['name']}={each['example']}" for each in needed)
    return f'"$LEGWORK{filled}{"?" if query else ""}{query}"'


def _example(schema: dict[str, Any]) -> Any:
    if "example" in schema:
        return schema["example"]
    if schema.get("format") == "date-time":
        return "2026-09-16T05:30:00Z"
    kind = schema.get("type", "string")
    return _EXAMPLES.get(kind if isinstance(kind, str) else kind[0], "…")

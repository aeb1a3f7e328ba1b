"""Render a JSON Schema as a readable sketch, for docs/cli.md."""

from __future__ import annotations

import json
import textwrap
from typing import Any

# Anything up to this length is written on one line.
_SHORT = 100


def sketch(shape: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return a JSON Schema as text, one key with its type and meaning per line; on one line if it is short."""
    match shape:
        case {"$ref": where}:
            text = sketch(definitions[where.rpartition("/")[2]], definitions)
        case {"oneOf": ways}:
            text = " | ".join(sketch(way, definitions) for way in ways)
        case {"enum": values}:
            text = " | ".join(json.dumps(value) for value in values)
        case {"type": "array", "items": item}:
            inner = sketch(item, definitions)
            text = f"[\n{textwrap.indent(inner, '  ')}\n]" if "\n" in inner else f"{inner}[]"
        case {"properties": properties}:
            text = _object(properties, set(shape.get("required", ())), definitions)
        case {"additionalProperties": dict(values)} if values:
            text = f"{{ [name]: {sketch(values, definitions)} }}"
        case {"type": list(kinds)}:
            text = " | ".join(kinds)
        case _:
            text = shape["type"]
    return text


def _object(properties: dict[str, Any], required: set[str], definitions: dict[str, Any]) -> str:
    parts = [
        (f"{name}{'' if name in required else '?'}: {sketch(part, definitions)}", part.get("description"))
        for name, part in properties.items()
    ]
    line = ", ".join(text for text, _ in parts)
    if len(line) <= _SHORT and "\n" not in line and not any(meaning for _, meaning in parts):
        return f"{{ {line} }}"
    lines: list[str] = []
    for text, meaning in parts:
        first, *rest = text.splitlines()
        lines += [f"{first}  // {meaning}" if meaning else first, *rest]
    return "{\n" + textwrap.indent("\n".join(lines), "  ") + "\n}"

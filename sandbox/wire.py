"""Writes replies as JSON or XML, by the v1 API's rules, with its kinds of errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from werkzeug.wrappers import Request, Response

# What the items of a list are called in XML.
_ITEMS = {"legs": ("Legs", "Leg"), "Calls": ("Calls", "Call")}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is written as JSON or XML; if `content` is text, it is an HTML page."""

    content: dict[str, Any] | str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    always_xml: bool = False
    cut_off: bool = False


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> Reply:
    """Return an error in the form of most of the v1 API: the key is `Status`."""
    return Reply({"RestException": {"Status": status, "Message": message, **more}}, status, headers or {})


def legs_error(status: int, message: str, description: str) -> Reply:
    """Return an error in the form of the Legs API: the key is `Code`, and there is a `Description`."""
    exception = {"Code": status, "Message": message, "Description": description}
    return Reply({"RestException": exception}, status)


def respond(reply: Reply, request: Request) -> Response:
    """Return the response in the requested format: JSON for `.json` or by `Accept`, else XML."""
    if isinstance(reply.content, str):
        return Response(reply.content, reply.status, reply.headers, content_type="text/html; charset=utf-8")
    json_wanted = request.path.endswith(".json") or "application/json" in request.headers.get("Accept", "")
    if json_wanted and not reply.always_xml:
        body = json.dumps(reply.content, separators=(",", ":")).encode()
        return Response(body, reply.status, reply.headers, content_type="application/json")
    return Response(to_xml(reply.content), reply.status, reply.headers, content_type="application/xml")


def to_xml(content: dict[str, Any]) -> bytes:
    """Return the v1 API's XML: a `TwilioResponse`, children in PascalCase, None as an empty element."""
    root = ET.Element("TwilioResponse")
    _append(root, content)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _append(parent: ET.Element, content: dict[str, Any]) -> None:
    for key, value in content.items():
        if isinstance(value, list):
            plural, singular = _ITEMS[key]
            items = ET.SubElement(parent, plural)
            for item in value:
                _append(ET.SubElement(items, singular), item)
        elif isinstance(value, dict):
            _append(ET.SubElement(parent, key), value)
        else:
            child = ET.SubElement(parent, key)
            child.text = None if value is None else str(value)

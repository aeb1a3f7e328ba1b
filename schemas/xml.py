"""Exotel's XML as the same data that its JSON would have given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from marshmallow import ValidationError

from schemas.plain import MAX_DEPTH
from schemas.text import UNKNOWN, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


# What no document may hold as it is (XML 1.0, 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load_xml(body: bytes, *, charset: str | None = None) -> Any:
    """
    Read a document; its root's name is dropped, attributes and namespaces too (Exotel uses neither).

    Elements become keys, repeated ones a list, an empty one the empty text. A byte or a character that cannot be is U+FFFD;
    `charset` is what the HTTP header says. Raises ValidationError for what is not well-formed, nested too deep, or holds a
    document type: entities are how XML attacks its readers.
    """
    # Text is read as text, whatever encoding its declaration names.
    text = _FORBIDDEN.sub(UNKNOWN, text_of(body, charset=charset)).strip()
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    # Not well-formed (SyntaxError), or forbidden (ValueError).
    except (SyntaxError, ValueError) as error:
        raise ValidationError({"body": ["No well-formed XML without a document type."]}) from error
    return _data(root, MAX_DEPTH)


def _data(element: Element, depth: int) -> Any:
    if not len(element):
        return element.text or ""
    if depth == 0:
        raise ValidationError({"body": [f"Nested deeper than {MAX_DEPTH} levels."]})
    found: dict[str, list[Any]] = {}
    for child in element:
        found.setdefault(child.tag.rpartition("}")[2], []).append(_data(child, depth - 1))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

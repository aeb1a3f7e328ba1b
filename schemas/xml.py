"""Parse Exotel's XML into the data that its JSON would give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from marshmallow import ValidationError

from schemas.plain import MAX_DEPTH
from schemas.text import UNKNOWN, text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


# Characters that XML does not allow (XML 1.0, 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load_xml(body: bytes, *, charset: str | None = None) -> Any:
    """
    Return a document's data without the root's name, attributes and namespaces (Exotel uses neither of the last two).

    Elements become keys, repeated ones a list, an empty one the empty text. Invalid bytes and characters become U+FFFD;
    `charset` is from the HTTP header. Raises ValidationError if it is not well-formed, nested too deep, or has a
    document type: entities allow attacks on parsers.
    """
    # The text is already decoded: the encoding in its declaration is ignored.
    text = _FORBIDDEN.sub(UNKNOWN, text_of(body, charset=charset)).strip()
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    # Not well-formed (SyntaxError), or forbidden (ValueError).
    except (SyntaxError, ValueError) as error:
        raise ValidationError({"body": ["Not well-formed XML, or XML with a document type."]}) from error
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

"""Decode documents in any charset; an invalid byte becomes U+FFFD."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Replaces bytes that cannot be decoded.
UNKNOWN = "\ufffd"

# Charsets in which an XML declaration reads like ASCII. (Python has other codecs, some of which are not charsets.)
_LIKE_ASCII = re.compile(r"utf-8(-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-\w+|gb\w+|big5\w*|shift_jis\w*|euc_\w+")
_XML_DECLARATION = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")


def text_of(body: bytes, *, charset: str | None = None) -> str:
    """
    Return the text of a JSON or XML document. Raises nothing: U+FFFD replaces what cannot be decoded.

    A byte order mark decides, or the zeros of UTF-16 and UTF-32; then an XML declaration; then UTF-8, if it is valid.
    `charset`, from the HTTP header, comes last, since servers send the same one with every page.
    """
    found = json.detect_encoding(body)
    if found not in {"utf-8", "utf-8-sig"}:
        return body.decode(found, "replace").removeprefix("\ufeff")
    declared = _XML_DECLARATION.match(body.removeprefix(codecs.BOM_UTF8))
    known = list(_known(["utf-8-sig" if found == "utf-8-sig" else "", declared[1].decode() if declared else ""]))
    candidates = [*known, "utf-8", *_known([charset or ""])]
    for candidate in candidates:
        try:
            return body.decode(candidate)
        except UnicodeError:
            continue
    return body.decode(candidates[0], "replace")


def in_utf_8(body: bytes, *, charset: str | None = None) -> bytes:
    """Return the same text in UTF-8, so that a number can be found in it; with a byte order mark if it was re-encoded."""
    encoded = text_of(body, charset=charset).encode()
    return body if encoded == body.removeprefix(codecs.BOM_UTF8) else codecs.BOM_UTF8 + encoded


def _known(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        try:
            known_as = codecs.lookup(name).name
        except (LookupError, ValueError):  # unknown; not a name at all
            continue
        if _LIKE_ASCII.fullmatch(known_as):
            yield known_as

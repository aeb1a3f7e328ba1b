"""Turn untrusted data into plain data that every JSON parser can read."""

from __future__ import annotations

import math
from typing import Any

from marshmallow import ValidationError

# Exotel nests four deep at most (`Legs[0][Insights][Status]`); four times that leaves room for the
# future, and stays far below the depth at which JSON encoders fail.
MAX_DEPTH = 16

# JSON has no largest number, but its parsers have: all of them support signed 64-bit integers.
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """
    Return a copy of a decoded document in which every value can be written as JSON in UTF-8.

    NaN, the infinities and integers of more than 64 bits become text; unpaired surrogates are replaced.
    Raises ValidationError if it is nested deeper than `depth` or holds a type that JSON does not have.
    """
    if isinstance(value, str):
        return encodable(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if _SMALLEST <= value <= _LARGEST else _digits(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth == 0:
        raise ValidationError({"body": [f"Nested deeper than {MAX_DEPTH} levels."]})
    if isinstance(value, dict):
        return {encodable(str(key)): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value]
    raise ValidationError({"body": [f"Not a type of JSON: {type(value).__name__}."]})


def encodable(text: str) -> str:
    """Return the text with unpaired surrogates replaced, which UTF-8 cannot encode."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError as error:  # Python refuses to print numbers of thousands of digits
        raise ValidationError({"body": ["A number has too many digits."]}) from error

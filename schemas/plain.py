"""Turn data that somebody else wrote into plain data that every JSON reader can take back."""

from __future__ import annotations

import math
from typing import Any

from marshmallow import ValidationError

# Exotel nests four deep at most (`Legs[0][Insights][Status]`); four times that leaves room for what is to
# come, and stays far below the depth at which JSON writers give up.
MAX_DEPTH = 16

# JSON has no largest number, its readers have: 64 bits with a sign is what all of them share.
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """
    Copy a decoded document; what could not be written as JSON in UTF-8 becomes text.

    That is: NaN and the infinities, integers of more than 64 bits, and surrogates without their other half.
    Raises ValidationError where it is nested deeper than `depth` or holds what is no JSON at all.
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
    raise ValidationError({"body": [f"No JSON: {type(value).__name__}."]})


def encodable(text: str) -> str:
    """Give the text unchanged, but for surrogates without their other half, which UTF-8 cannot hold."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError as error:  # Python refuses to print numbers of thousands of digits
        raise ValidationError({"body": ["A number of too many digits."]}) from error

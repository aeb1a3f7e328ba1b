"""The settings that only sinks have: types of records, expressions, rates, and the encryption keys of their secrets."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import JMESPathError
from marshmallow import ValidationError

from schemas.record_types import RECORD_TYPES
from schemas.settings.document import nearest
from schemas.settings.fields import Listed, SettingField

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Rate:
    """A maximum number of requests in any window of a number of seconds."""

    count: int
    seconds: float

    def __str__(self) -> str:
        unit = {seconds: letter for letter, seconds in RateLimit.UNITS.items()}[self.seconds]
        return f"{self.count}/{unit}"


class RateLimit(SettingField[Rate]):
    """How many requests a sink accepts: `10/s`, `600/m`, `5000/h`."""

    UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}  # noqa: RUF012  it is never changed
    right = "give a number per second, minute or hour: 10/s, 600/m, 5000/h"
    _WRITTEN = re.compile(r"([1-9][0-9]{0,5})/([smh])", re.ASCII)

    def read(self, text: str) -> Rate:
        """Read a number, a slash and a unit."""
        found = self._WRITTEN.fullmatch(text.replace(" ", ""))
        if found is None:
            raise ValidationError("is not a rate")
        return Rate(int(found[1]), self.UNITS[found[2]])


def check_type(word: str, among: Collection[str] = RECORD_TYPES) -> str:
    """Return `word` if it is one of these types of records.

    Raises ValidationError, which names the type that was probably meant, and not the word.
    """
    if word not in among:
        raise ValidationError(f"is not a type of record{nearest(word, among)}")
    return word


class RecordTypes(Listed):
    """Types of records: a list in TOML, else separated by spaces."""

    def __init__(self) -> None:
        right = f"give a list of some of these: {', '.join(RECORD_TYPES)}"
        super().__init__("|".join(map(re.escape, RECORD_TYPES)), wrong="is not a type of record", right=right)

    def read(self, text: str) -> tuple[str, ...]:
        """Read one type or several."""
        for word in text.split():
            check_type(word)
        return super().read(text)


class Expression(SettingField[str]):
    """A JMESPath expression (https://jmespath.org) over a record."""

    LONGEST = 4096
    #: Python's recursion limit is 1000 calls; each level takes two or three, and the worker's stack is not empty.
    DEEPEST = 200
    right = "give a JMESPath expression such as data.talk_seconds > `0`"

    def read(self, text: str) -> str:
        """Return the expression as it was written, if it compiles."""
        if len(text) > self.LONGEST:
            raise ValidationError(f"is longer than {self.LONGEST} characters")
        try:
            tree = jmespath.compile(text).parsed
        except JMESPathError as error:
            # The message's further lines mark the position with a caret.
            raise ValidationError(f"does not parse ({str(error).splitlines()[0]})") from None
        except RecursionError:
            raise ValidationError("is nested too deep") from None
        if _depth(tree) > self.DEEPEST:
            raise ValidationError("is nested too deep")
        return text


def _depth(tree: Any) -> int:
    """Return the depth of a parsed expression. `a|a|a|…` is parsed in a loop, but evaluated recursively."""
    level: list[Any] = [tree]
    depth = 0
    while level:
        # The children of a slice are numbers.
        level = [child for node in level for child in node["children"] if isinstance(child, dict)]
        depth += 1
    return depth


class EncryptionKeys(SettingField[tuple[str, ...]]):
    """Fernet keys, the newest first: the newest encrypts, and all of them decrypt."""

    BYTES = 32
    right = "give the URL-safe base64 of 32 random bytes, as `legwork sinks key` makes it; several separated by spaces"

    def read(self, text: str) -> tuple[str, ...]:
        """Read one key or several."""
        keys = tuple(text.split())
        for key in keys:
            try:
                length = len(base64.urlsafe_b64decode(key))
            except ValueError:
                raise ValidationError("is not base64") from None
            if length != self.BYTES:
                raise ValidationError("is of the wrong length")
        if not keys:
            raise ValidationError("is empty")
        return keys

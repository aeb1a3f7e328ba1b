"""Mask phone numbers to their last four digits, and known secrets, in any text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from worker.secret_masking import Secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from structlog.typing import EventDict, WrappedLogger

#: Replaces a number that was erased, where null would mean that there was none.
ERASED = "erased"
# Contract section 8.
_SHOWN = 4
# Digits that are not a phone number are matched first, and kept: the ids of Celery's tasks, timestamps, decimals.
_KEPT = (
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?",
    r"\d+\.\d+",
)
# Digits next to letters are part of an id (such as a CallSid), except after an escape sequence of a URL, of JSON or of
# Python's repr: `%3A`, `%253A`, `\\n`, `\\xa0`, `\\u00a0`.
_START = (
    r"(?:(?<![0-9a-z])|(?<=%[0-9a-f][a-f])|(?<=%25[0-9a-f][a-f])"
    r"|(?<=\\[abfnrtv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
)
_GAP = r"(?:[ \u00a0\u2010-\u2015+().-]|%(?:25)*(?:20|28|29|2d|2e|a0))"
# Seven digits are the shortest subscriber number in use, seventeen the longest in E.164 behind an international prefix.
_NUMBERS = (
    # With gaps, and the plus in front: at most fifteen digits.
    rf"(?:\+|%(?:25)*2b){_GAP}{{0,2}}[0-9](?:{_GAP}{{0,3}}[0-9]){{6,14}}(?![0-9])",
    rf"{_START}\d{{3,13}}(\d{{4}})(?![0-9a-z])",
)
# A national number in two or three groups of digits; `_is_grouped` checks further. A schedule has more groups.
_GROUPS = (
    r"(?<![\w.:+/-])(?<!\d )(?:0[ -])?(?:\(\d|[06-9]\d|[2-5]\d\d-)\d{0,5}\)?"
    r"(?:(?:[\u00a0\u2010-\u2015-]| -? ?|%20)\(?\d{2,6}\)?){1,2}(?![\w:]|[.-]\d| \d)"
)
_DIGITS = re.compile(
    f"(?<![0-9a-z])(?P<kept>{'|'.join(_KEPT)})(?![0-9a-z])|(?P<number>{'|'.join(_NUMBERS)})|(?P<groups>{_GROUPS})",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# From a national number to one after an international prefix; shorter ones look like two counts side by side.
_FEWEST, _MOST = 10, 14
# An integer this large as a field's value is a phone number without its plus.
_LARGE = 10**9
# Fields that hold Legwork's own numbers, never a phone number.
_OURS = frozenset(
    {"timestamp", "pid", "port", "seconds", "count", "account", "call_sid", "lease", "version", "trace_id"}
)


def mask_number(number: str) -> str:
    """Return a phone number with all but its last four digits masked."""
    return f"…{number[-_SHOWN:]}" if len(number) > _SHOWN else number


def _shown(found: re.Match[str]) -> str:
    if found["number"] or (found["groups"] and _is_grouped(found["groups"])):
        return mask_number(re.sub(r"%(?:25)*[0-9a-f]{2}|\D", "", found[0], flags=re.IGNORECASE))
    return found[0]


def _is_grouped(text: str) -> bool:
    """Return whether groups of digits are one phone number: not with a date among them, or with too few or many digits."""
    return _FEWEST <= sum(map(str.isdigit, text.replace("%20", ""))) <= _MOST and not _DAY.search(text)


class Mask:
    """A structlog processor: masks phone numbers and known secrets in every text of an event."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = Secrets(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these secrets too from now on."""
        self._secrets.learn(secrets)

    def text(self, text: str) -> str:
        """Return a text with phone numbers and secrets masked."""
        return _DIGITS.sub(_shown, self.without_secrets(text))

    def without_secrets(self, text: str) -> str:
        """Return a text with secrets masked; phone numbers stay."""
        return self._secrets.without(text)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # Fields that begin with an underscore are structlog's own, and are removed before anything is written.
        return {
            key: value if key in _OURS or key.startswith("_") else self._masked(value) for key, value in event.items()
        }

    def _masked(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            # Some JSON parsers turn every number into a float.
            is_whole = isinstance(value, int) or value.is_integer()
            return self.text(str(int(value))) if is_whole and abs(value) >= _LARGE else value
        if isinstance(value, dict):
            return {self.text(str(key)): self._masked(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(part) for part in value]
        # Any other type would be written as text later, unmasked.
        return self.text(str(value))


def free_name(name: str, taken: Mapping[str, Any]) -> str:
    """Return a key's name, made unique if two have become equal."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free

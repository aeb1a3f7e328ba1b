"""Find a phone number in texts in all its spellings: by people, in URLs, in URLs within URLs."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import decimal

from phonenumbers import PhoneMetadata, parse

from worker.numbers.phone import to_e164

if TYPE_CHECKING:
    from collections.abc import Iterator

# A character encoded in a URL, or in a URL within a URL.
_QUOTED = r"%(?:25)*"
# What people put between digits: spaces and hyphens of every kind, marks without a width; `+` is a space in a query.
_BETWEEN = (
    r"(?:[^\S\r\n]|[+().\-/\u00ad\u200b-\u2015\u202a-\u202e\u2060\u2212\ufeff]|"
    rf"{_QUOTED}(?:09|2[089BDEF]|C2{_QUOTED}A0|E2{_QUOTED}80{_QUOTED}[89A][0-9A-F]))"
)
_GAP = _BETWEEN + "{0,3}"
# The international prefixes that are understood everywhere, as written in texts and in URL queries.
_PLUS = rf"\+|{_QUOTED}2B|0{{1,3}}"
# The digits of `%20`, `\u00a0` and `\xa0` do not belong to the number that follows; `%30` to `%39` are digits themselves.
_AFTER_AN_ESCAPE = "|".join(
    [
        *(rf"(?<=%{'25' * within}(?:[0-24-9a-f][0-9a-f]|3[a-f]))" for within in range(4)),
        r"(?<=\\u[0-9a-f]{4})",
        r"(?<=\\x[0-9a-f]{2})",
    ]
)
_START, _END = rf"(?:(?<!\d)|{_AFTER_AN_ESCAPE})", rf"(?!\d|{_QUOTED}3\d)"
# A number with another country code is another person's, even if it continues with the same digits.
_ANOTHER_COUNTRY = re.compile(rf"(?:\+|{_QUOTED}2B|(?<!\d)00)\d{{1,3}}{_BETWEEN}{{1,3}}$", re.IGNORECASE)
# How many characters before a number are searched for it.
_FAR = 60
# Digits that are not a number: dates, times, long hexadecimal ids (Exotel's end with other letters).
_NO_NUMBER = re.compile(
    rf"{_START}(?:(?:19|20)\d\d([-/.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])|"
    r"(?:0[1-9]|[12]\d|3[01])([-/.])(?:0[1-9]|1[0-2])\2(?:19|20)\d\d)(?!\d)"
    rf"|(?:(?<![0-9a-z])|{_AFTER_AN_ESCAPE})"
    r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9a-z]{32})[0-9a-f]{28,}[0-9a-z]{0,4})(?![0-9a-z])",
    re.IGNORECASE,
)
_ESCAPED = re.compile(rf"{_QUOTED}([0-9A-F]{{2}})", re.IGNORECASE)
_DIGITS = frozenset(f"3{digit}" for digit in range(10))
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


class Spellings:
    """One number in E.164 as people in `region`, and those of its own country, write it; or one `sip:` URI."""

    def __init__(self, number: str, region: str) -> None:
        self._number, self._region = number, region
        # The digits that all forms have in common.
        self._digits = _national(number).encode() if number.startswith("+") else b""

    def may_be_in(self, text: str) -> bool:
        """Return whether the text may contain the number, cheaply; a False is certain."""
        if not self._digits:
            sought, text = self._number.lower(), text.lower()
            return sought in text or sought in _ESCAPED.sub(lambda quoted: chr(int(quoted[1], 16)), text)
        text = _in_ascii_digits(text)
        if self._digits in _digits_of(text):
            return True
        # The digits of `%20` do not belong to the number; that of `%39` does.
        return "%" in text and self._digits in _digits_of(
            _ESCAPED.sub(lambda quoted: quoted[1][1] if quoted[1] in _DIGITS else "", text)
        )

    def is_all_of(self, text: str) -> bool:
        """Return whether the text is the number and nothing else."""
        return to_e164(text, self._region) == self._number and not _NO_NUMBER.fullmatch(text.strip())

    def found_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the start and end of each occurrence of the number in a text."""
        read = _in_ascii_digits(text)
        no_numbers = [other.span() for other in _NO_NUMBER.finditer(read)]
        starts = [first for first, _ in no_numbers]
        for found in self._forms.finditer(read):
            before = bisect_left(starts, found.end()) - 1
            is_none = before >= 0 and found.start() < no_numbers[before][1]
            if not (is_none or _is_of_another_country(found)):
                yield found.span()

    @cached_property
    def _forms(self) -> re.Pattern[str]:
        if not self._digits:
            before = rf"(?:(?<![\w.+-])|{_AFTER_AN_ESCAPE})"
            return re.compile(rf"{before}{_quotable(self._number)}(?![\w+-]|\.\w)", re.IGNORECASE)
        code = parse(self._number).country_code
        country, digits = _spaced(str(code)), _spaced(self._digits.decode())
        here = PhoneMetadata.metadata_for_region(self._region, None)
        abroad = f"{_PLUS}|{here.international_prefix}" if here and here.international_prefix else _PLUS
        before = rf"(?:(?:{abroad}){_GAP})?{country}{_GAP}(?:0{_GAP})?"
        if here is not None and here.country_code == code:
            trunk = f"0{{1,3}}|{here.national_prefix}" if here.national_prefix else "0{1,3}"
            before = rf"(?:{before}|(?:{trunk}){_GAP})?"
        return re.compile(f"{_START}{before}{digits}{_END}", re.IGNORECASE)


def _national(number: str) -> str:
    return number.removeprefix(f"+{parse(number).country_code}")


def _digits_of(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(None, _NO_DIGITS)


def _spaced(digits: str) -> str:
    return _GAP.join(map(_quotable, digits))


def _quotable(text: str) -> str:
    """Return a pattern of a text in which every character except letters may be percent-encoded."""
    return "".join(one if one.isalpha() else f"(?:{re.escape(one)}|{_QUOTED}{ord(one):02X})" for one in text)


def _in_ascii_digits(text: str) -> str:
    """Return a text of the same length with the digits of all scripts replaced by 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(decimal(one)) if one.isdecimal() else one for one in text)


def _is_of_another_country(found: re.Match[str]) -> bool:
    start = found.start()
    return found[0][0].isdigit() and bool(_ANOTHER_COUNTRY.search(found.string, max(0, start - _FAR), start))

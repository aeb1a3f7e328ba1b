"""Convert phone numbers to E.164."""

from __future__ import annotations

import re
from functools import lru_cache

# libphonenumber finds a number in almost any text, and reads letters as telephone keys: the masked 0900XXXX001 would
# become a real number. So only text that is written like a number is passed to it.
_WRITTEN_LIKE_A_NUMBER = re.compile(r"\+?[0-9 ()./-]{3,32}")


def to_e164(raw: str, region: str) -> str | None:
    """
    Return a number in E.164, read as people in `region` (`IN`) write it; None if it cannot be a number.

    A local number without its area code is None too: the area would be a guess.
    """
    text = raw.strip()
    return _parsed(text, region) if _WRITTEN_LIKE_A_NUMBER.fullmatch(text) else None


def is_region(text: str) -> bool:
    """Return whether it is a country (ISO 3166) whose number formats are known."""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415  as below

    return text in SUPPORTED_REGIONS


def kind_of(raw: str | None, region: str) -> str:
    """Return the kind of a party's address: `phone`, `sip` or `unknown`."""
    if raw is None:
        return "unknown"
    if raw.strip().lower().startswith(("sip:", "sips:")):
        return "sip"
    return "phone" if to_e164(raw, region) else "unknown"


# The same agents and virtual numbers recur: 39 µs become 0.1 µs, for 10 MB at most.
@lru_cache(maxsize=65536)
def _parsed(text: str, region: str) -> str | None:
    import phonenumbers  # noqa: PLC0415  40 ms of imports that most commands never need
    from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult  # noqa: PLC0415

    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)

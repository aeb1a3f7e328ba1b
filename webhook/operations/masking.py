"""What a page may show of a call: numbers masked unless requested, and never a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from worker.numbers.masking import Mask, free_name, mask_number
from worker.secret_masking import secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import Settings, SinkSpec

# A record's fields for a party's address, which need not look like a number (`sip:alice@…`).
_PARTIES = frozenset({"number", "number_raw", "customer", "agent", "agent_raw", "exophone", "backup_exophone"})
# Exotel's ids and ours; some are all digits.
_IDS = frozenset({"account_sid", "call_sid", "dataschema", "id", "response_sha256", "sid", "source", "subject", "uri"})
# The keys in these come from outside and may be anything.
_NAMED_BY_OTHERS = frozenset({"params", "extra"})
_SIP = re.compile(r"sips?:\S+", re.IGNORECASE)


def on_one_line(text: str) -> str:
    """Return a text without control characters, and without characters that turn the direction of writing."""
    return "".join(character if character.isprintable() else " " for character in text)


class Shown:
    """Makes texts and documents safe to show; `numbers`: show phone numbers in full?"""

    def __init__(self, settings: Settings, sinks: list[SinkSpec], *, numbers: bool) -> None:
        self.numbers = numbers
        self._mask = Mask(secrets_of(settings))
        for spec in sinks:
            self._mask.learn(secrets_of_sink(spec))

    def text(self, text: str) -> str:
        """Return a text from outside, such as an answer, without numbers and secrets."""
        return self._mask.text(text)

    def number(self, number: str | None) -> str:
        """Return a party's address."""
        if not number:
            return "none"
        return number if self.numbers else mask_number(number)

    def document(self, document: Any, key: str = "", *, by_others: bool = False) -> Any:
        """Return a record or a timeline, masked; `by_others`: its keys come from outside, as a callback's parameters do."""
        if isinstance(document, dict):
            shown: dict[str, Any] = {}
            for name, value in document.items():
                inside = by_others or name in _NAMED_BY_OTHERS
                shown[free_name(self.as_asked(name), shown)] = self.document(value, name, by_others=inside)
            return shown
        if isinstance(document, list):
            return [self.document(value, key, by_others=by_others) for value in document]
        return self._value(document, key, by_others=by_others)

    def _value(self, value: Any, key: str, *, by_others: bool) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if not isinstance(value, str):
            # A JSON number: Mask knows which are large enough to be a phone number.
            return value if self.numbers else self._mask(None, "", {"value": value})["value"]
        if not self.numbers and (_SIP.fullmatch(value) if by_others else key in _PARTIES):
            return mask_number(value)
        return value if key in _IDS and not by_others else self.as_asked(value)

    def as_asked(self, text: str) -> str:
        """Return a text from outside without secrets, and without numbers unless they were requested."""
        return self._mask.without_secrets(text) if self.numbers else self._mask.text(text)

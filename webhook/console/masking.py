"""What a page may show of a call: its numbers masked until somebody asks for them, and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.logs import Mask, mask_number, secrets_of, secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import Settings, SinkSpec

# What a record calls a party's address; it may be none that looks like a number (`sip:alice@…`).
_PARTIES = frozenset({"number", "number_raw", "customer", "agent", "exophone", "backup_exophone"})
# Ids of Exotel's and of ours; some are all digits.
_IDS = frozenset({"account_sid", "call_sid", "dataschema", "id", "response_sha256", "sid", "source", "subject", "uri"})


class Shown:
    """Makes texts and documents fit to be shown; `numbers`: did somebody ask for them in full?"""

    def __init__(self, settings: Settings, sinks: list[SinkSpec], *, numbers: bool) -> None:
        self.numbers = numbers
        self._mask = Mask(secrets_of(settings))
        for spec in sinks:
            self._mask.learn(secrets_of_sink(spec))

    def text(self, text: str) -> str:
        """Return what somebody else wrote, an answer for instance, without numbers and secrets."""
        return self._mask.text(text)

    def number(self, number: str | None) -> str:
        """Return a party's address."""
        if not number:
            return "none"
        return number if self.numbers else mask_number(number)

    def document(self, document: Any, key: str = "") -> Any:
        """Return a record or a callback's parameters."""
        if self.numbers or document is None or isinstance(document, bool | float):
            return document
        if isinstance(document, dict):
            return {name: self.document(value, name) for name, value in document.items()}
        if isinstance(document, list):
            return [self.document(value, key) for value in document]
        if isinstance(document, str) and key in _IDS:
            return document
        if isinstance(document, str) and key in _PARTIES:
            return mask_number(document)
        # A number written as a number: Mask knows which of those are large enough to be a phone's.
        return self._mask(None, "", {"value": document})["value"]

"""Which calls a list shows: by account, state, time, outcome, direction, what a sink lacks, and a text that is searched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.numbers.phone import to_e164
from worker.record.search_terms import END, SHORTEST, address, term_of_custom_field

if TYPE_CHECKING:
    from collections.abc import Collection

    from worker.ledger.queries.rows import CallRow, Standing
    from worker.record.search_terms import Searchable

#: How an inbound or outbound call went (contract section 14).
OUTCOMES = ("answered", "missed", "busy", "failed")
DIRECTIONS = ("inbound", "outbound")
#: The fewest characters of a CallSid that find it.
SID_PREFIX = 6
#: The longest text that is searched: Exotel's limit for a custom field, with room.
LONGEST = 256
# What a masked number begins with.
_MASKED = re.compile(r"(?:…|\.\.\.)\s*")
_SID = re.compile(r"[0-9A-Za-z]{6,64}")
# Before the last three characters of a number or a SIP address there may be any of these.
_BEFORE = "".join(sorted({chr(code).lower() for code in range(ord("!"), ord("~") + 1)}))


@dataclass(frozen=True, slots=True)
class SearchText:
    """What somebody looks for: a CallSid or its beginning, a number or its end, a custom field; all at once."""

    text: str
    #: The beginning of a CallSid, or None.
    sid_prefix: str | None
    #: The end of an address, as `address` writes it; or None.
    address_end: str | None
    #: A whole number as it was written, which is compared in E.164; or None.
    number: str | None
    custom_field: str

    @classmethod
    def of(cls, given: str) -> SearchText:
        """Return what a text may mean. Raises ValueError with what would be right."""
        text = given.strip()
        if len(text) > LONGEST:
            raise ValueError(f"too long: give up to {LONGEST} characters")
        end = _MASKED.sub("", text, count=1)
        is_masked = end != text
        if len(end) < SHORTEST:
            raise ValueError(
                "too short: give the last 3 digits of a number or more, the first 6 characters of a CallSid or more, or a "
                "custom field of 3 characters or more"
            )
        found = address(end)
        # A softphone's masked address shows letters too.
        rest = end.lower() if re.fullmatch(r"[!-~]{3,64}", end) else None
        return cls(
            text=text,
            sid_prefix=text if _SID.fullmatch(text) else None,
            address_end=found or rest,
            number=end if found and len(found) > END and not is_masked else None,
            custom_field=text,
        )

    def terms(self) -> list[str]:
        """Return the terms of the index under which every call stands that has such an address or custom field."""
        terms = [term_of_custom_field(self.custom_field)]
        if self.address_end is None:
            return terms
        last = self.address_end[-END:]
        if len(last) == SHORTEST:
            terms += [before + last for before in _BEFORE]
        return [last, *terms]

    def matches(self, call_sid: str, searchable: Searchable, region: str) -> bool:
        """Return whether a call of an account in a region is one of those looked for."""
        return (
            (self.sid_prefix is not None and call_sid.startswith(self.sid_prefix))
            or self.custom_field in searchable.custom_fields
            or any(self._is_of(found, region) for found in searchable.addresses)
        )

    def _is_of(self, found: str, region: str) -> bool:
        if self.address_end is not None and found.endswith(self.address_end):
            return True
        return self.number is not None and _e164(found, region) == _e164(self.number, region) is not None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; what is None does not matter. Times are milliseconds of Redis's clock, `until_ms` excluded."""

    accounts: Collection[str] | None = None
    state: str | None = None
    outcome: str | None = None
    direction: str | None = None
    #: A sink that has not got a record of the call yet.
    undelivered: str | None = None
    search: SearchText | None = None
    #: A call counts by when it began; before that is known, by when its first callback arrived.
    since_ms: float | None = None
    until_ms: float | None = None

    @property
    def chooses(self) -> bool:
        """Return whether it leaves out calls for what they are, and not only for their account and time."""
        return (self.state, self.outcome, self.direction, self.undelivered, self.search) != (None,) * 5

    def may_take(self, call: Standing) -> bool:
        """Return whether a call may be wanted, as far as its state tells."""
        if self.state is not None and call.state != self.state:
            return False
        if self.search is None or (self.search.sid_prefix and call.place.call_sid.startswith(self.search.sid_prefix)):
            return True
        return call.terms is None or not call.terms.isdisjoint(self.search.terms())

    def takes(self, row: CallRow, region: str) -> bool:
        """Return whether a call is wanted; `region` is its account's."""
        facts = row.facts
        return (
            (self.outcome is None or facts.outcome == self.outcome)
            and (self.direction is None or facts.direction == self.direction)
            and (self.undelivered is None or row.lacks(self.undelivered))
            and (self.search is None or self.search.matches(row.call_sid, row.documents.searchable(), region))
        )


def _e164(text: str, region: str) -> str | None:
    # Digits without their plus: a number in E.164 is read with it, one as it is dialled without.
    return to_e164(text, region) or to_e164(f"+{text}", region)

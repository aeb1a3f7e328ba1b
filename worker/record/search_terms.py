"""What a call is found by: its parties' addresses and its custom field, and the short terms that the index holds of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from schemas.named_parameters import fold, read_json
from schemas.no_value import is_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.callback import Callback

#: Characters of an address that are its term. As many are shown of a masked number (contract section 8).
END = 4
#: The fewest characters by which an address is found.
SHORTEST = 3
# The parameters of Exotel's callbacks that hold a party's address (exotel.md sections 4 and 5), folded.
_PARTIES = frozenset(
    {"from", "to", "callfrom", "callto", "fromnumber", "tonumber", "dialwhomnumber", "virtualnumber", "phonenumbersid"}
    | {"outgoingphonenumber", "callerid", "forwardedfrom", "number", "phonenumber"}
)
# The fields of a record, and of its legs and agents, that do.
_FIELDS = ("customer", "agent", "agent_raw", "exophone", "backup_exophone", "number", "number_raw")
_LISTS = ("legs", "agents")
# A leg's `extra` keeps these where they have no E.164 form.
_UNREADABLE = ("ExoPhone", "BackupExoPhone")
_NUMBER = re.compile(r"\+?[0-9 ()./-]{3,40}")
_SIP = re.compile(r"sips?:[!-~]{1,250}", re.IGNORECASE)
_NO_DIGIT = re.compile(r"\D")
# How many terms of a call are kept: a conference has some dozens, a sender who knows the token might write thousands.
_MOST = 200
_NESTED = 6
_NESTING = frozenset("{[")
_SIMPLE = frozenset({str, int})
_CUSTOM_FIELD, _PARTY, _OTHER = "custom field", "party", "other"


@dataclass(slots=True)
class Searchable:
    """What a call is found by; addresses as `address` returns them, custom fields as received."""

    addresses: set[str] = field(default_factory=set)
    custom_fields: set[str] = field(default_factory=set)

    def add_callback(self, params: Mapping[str, Any]) -> None:
        """Add what a callback's parameters tell."""
        self._add_parameters(params, _NESTED)

    def add_record(self, event: Mapping[str, Any]) -> None:
        """Add what a record tells, of all its legs."""
        data = event.get("data", {})
        for told in (data, *(each for name in _LISTS for each in data.get(name) or ())):
            for name in _FIELDS:
                self._add_address(told.get(name))
            for name in _UNREADABLE:
                self._add_address((told.get("extra") or {}).get(name))
        self._add_custom_field(data.get("custom_field"))

    def terms(self) -> list[str]:
        """Return the terms under which the call is indexed, in a fixed order."""
        ends = {found[-END:] for found in self.addresses}
        return sorted(ends | set(map(term_of_custom_field, self.custom_fields)))[:_MOST]

    def _add_parameters(self, params: Mapping[str, Any], depth: int) -> None:
        for name, values in params.items():
            use = _use_of(name)
            for value in values if isinstance(values, list) else (values,):
                if use is _CUSTOM_FIELD:
                    self._add_custom_field(value)
                elif use is _PARTY and type(value) in _SIMPLE:
                    self._add_address(value)
                elif depth and (type(value) is not str or value.lstrip()[:1] in _NESTING):
                    for nested in _objects(value):
                        self._add_parameters(nested, depth - 1)

    def _add_address(self, value: Any) -> None:
        if type(value) in _SIMPLE and (found := address(str(value))):
            self.addresses.add(found)

    def _add_custom_field(self, value: Any) -> None:
        text = value.strip() if isinstance(value, str) else ""
        if not is_nothing(text):
            self.custom_fields.add(text)


def found_by(callbacks: Iterable[Callback], event: Mapping[str, Any] | None = None) -> list[str]:
    """Return the terms that callbacks and a record give."""
    found = Searchable()
    for callback in callbacks:
        found.add_callback(callback.params)
    if event is not None:
        found.add_record(event)
    return found.terms()


@lru_cache(maxsize=4096)  # agents and virtual numbers recur, and a callback names a party several times
def address(text: str) -> str | None:
    """Return a party's address in the form in which it is compared: a number's digits, or a SIP address in lower case.

    None if it is neither, or a number of fewer than SHORTEST digits.
    """
    text = text.strip()
    if _SIP.fullmatch(text):
        return text.lower()
    digits = _NO_DIGIT.sub("", text) if _NUMBER.fullmatch(text) else ""
    return digits if len(digits) >= SHORTEST else None


def term_of_custom_field(text: str) -> str:
    """Return the term of a custom field: three digits of its hash, so that a term has many calls and few keys are needed."""
    return f"#{hashlib.blake2b(text.encode(errors='replace'), digest_size=2).hexdigest()[:3]}"


@lru_cache(maxsize=1024)  # the same few dozen names come with every callback
def _use_of(name: str) -> str:
    """Return what a parameter of this name is to the search."""
    folded = fold(name.rpartition(".")[2])
    return _CUSTOM_FIELD if folded == "customfield" else _PARTY if folded in _PARTIES else _OTHER


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):
        value = read_json(value)  # Exotel nests objects as JSON in one parameter
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))

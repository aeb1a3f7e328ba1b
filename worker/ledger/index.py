"""The index of an account's calls: by when they began, and by the terms that find them.

A term's postings are a list of CallSids in order of arrival. Redis keeps long lists as packed as short ones (a set of more
than 128 members takes three times as much), calls are forgotten in nearly the order in which they came, and each CallSid
is written in two thirds of its length.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from worker.ledger.keys import of_account
from worker.record.search_terms import found_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from schemas.callback import Callback
    from worker.ledger.scripts import Scripts

# Exotel's CallSids have 32 digits and small letters: digits of a number in base 36, which has 166 bits.
_USUAL = re.compile(rb"[0-9a-z]{32}")
_USUAL_BYTES = 21
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Larger than the first byte of any such number.
_OTHER = b"="


def began_key(account_sid: str) -> str:
    """Return the key of the sorted set of all calls of an account, by when they began."""
    return of_account(account_sid, "began")


def began_ms(event: Mapping[str, Any] | None) -> int | str:
    """Return when the call of a record began, in milliseconds, by the record; '' if it does not tell."""
    started_at = None if event is None else event.get("data", {}).get("started_at")
    return "" if started_at is None else round(datetime.fromisoformat(started_at).timestamp() * 1000)


def term_keys(account_sid: str, terms: Iterable[str]) -> list[str]:
    """Return the keys of the postings of terms."""
    return [of_account(account_sid, "term", term) for term in terms]


def add_to_index(
    scripts: Scripts, backlog_keys: Sequence[str], account_sid: str, call_sid: str, callbacks: Sequence[Callback]
) -> None:
    """Index a decided call under what callbacks tell that came while it was decided, or later."""
    terms = found_by(callbacks)
    keys = [
        *backlog_keys,
        of_account(account_sid, "call", call_sid),
        began_key(account_sid),
        *term_keys(account_sid, terms),
    ]
    scripts.run("backlog/index", keys, [call_sid, "", pack_sid(call_sid), *terms])


def terms_in(state: bytes | None) -> list[str]:
    """Return the terms under which a call is indexed, from its stored state."""
    return str(json.loads(state).get("terms", "")).split() if state else []


def pack_sid(call_sid: str) -> bytes:
    """Return a CallSid as it is written in postings."""
    raw = call_sid.encode()
    return int(raw, 36).to_bytes(_USUAL_BYTES) if _USUAL.fullmatch(raw) else _OTHER + raw


def unpack_sid(packed: bytes) -> str:
    """Return the CallSid that `pack_sid` packed."""
    if packed.startswith(_OTHER):
        return packed[1:].decode()
    number, digits = int.from_bytes(packed), []
    while number:
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)).rjust(32, "0")

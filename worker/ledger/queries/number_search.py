"""Find calls by a party's number. The ledger has no index of numbers, so the latest calls are searched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from worker.ledger.codec import callback_text, event_text
from worker.ledger.queries.listing import ListCursor, page_of_calls
from worker.ledger.queries.pages import PAGE
from worker.numbers.phone import to_e164

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallSummary

# Takes some tenths of a second in one web process; Redis serves other clients in between.
LOOKED_THROUGH = 2000
#: What can be searched for: a dialled number, or a SIP address.
NUMBER = r"(\+?[0-9 ()./-]{4,32}|[sS][iI][pP][sS]?:[!-~]{1,128})"
# Digits that all spellings of a number share, and few other texts contain.
_TAIL = 6
_NO_DIGIT = re.compile(r"\D")
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


@dataclass(frozen=True, slots=True)
class Found:
    """The calls with a number among those searched; `next` is where to continue, None at the end."""

    calls: list[CallSummary]
    looked_through: int
    next: ListCursor | None


def find_by_number(ledger: Ledger, number: str, *, after: ListCursor | None = None) -> Found:
    """Search the next LOOKED_THROUGH calls for a number, in E.164 or as it is dialled in the account's region."""
    found: list[CallSummary] = []
    looked = 0
    while looked < LOOKED_THROUGH:
        page = page_of_calls(ledger, limit=PAGE, after=after)
        looked += len(page.calls)
        found += _with_number(ledger, page.calls, number.strip())
        after = page.next
        if after is None:
            break
    # A call that changed state during the search may be found twice.
    return Found(list({call.call_sid: call for call in found}.values()), looked, after)


def _with_number(ledger: Ledger, calls: list[CallSummary], number: str) -> Iterator[CallSummary]:
    pipeline = ledger.client.pipeline(transaction=False)
    for call in calls:
        book = ledger.calls[call.account_sid]
        pipeline.lrange(book.key("call", call.call_sid), 1, -1)
        pipeline.hgetall(book.key("events", call.call_sid))
    answers = pipeline.execute() if calls else []
    for call, callbacks, events in zip(calls, answers[::2], answers[1::2], strict=True):
        wanted = _Wanted.of(number, ledger.account(call.account_sid).region)
        documents = [callback_text(packed, call.call_sid) for packed in callbacks]
        documents += [event_text(packed) for key, packed in events.items() if key != b"partial"]
        if any(wanted.is_in(document) for document in documents):
            yield call


class _Wanted(NamedTuple):
    """A number as it was entered, and in E.164 for a region."""

    number: str
    e164: str | None
    region: str

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, number: str, region: str) -> _Wanted:
        return cls(number, to_e164(number, region), region)

    def is_in(self, document: bytes) -> bool:
        """Return whether a value of this JSON is the number. Most documents are ruled out without parsing."""
        if self.e164 is None:
            may_be = orjson.dumps(self.number)[1:-1] in document
        else:
            may_be = self.e164[-_TAIL:].encode() in document.translate(None, _NO_DIGITS)
        return may_be and any(map(self._is_number, _texts(orjson.loads(document))))

    def _is_number(self, text: str) -> bool:
        if text.strip() == self.number:
            return True
        if self.e164 is None or self.e164[-_TAIL:] not in _NO_DIGIT.sub("", text):
            return False
        return to_e164(text, self.region) == self.e164


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for value in document.values():
            yield from _texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts(value)
    elif isinstance(document, str):
        yield document
    elif isinstance(document, int) and not isinstance(document, bool):
        yield str(document)

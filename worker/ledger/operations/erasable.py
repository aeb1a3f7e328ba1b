"""Find the values of a call that contain a person's number, and their replacements; reads, and writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from worker.ledger.codec import (
    pack_body,
    pack_callback,
    pack_event,
    unpack_body,
    unpack_callback,
    unpack_event,
)
from worker.ledger.index import terms_in
from worker.ledger.keys import of_account
from worker.record.search_terms import Searchable

if TYPE_CHECKING:
    from worker.numbers.erasure import Erasure

#: The final states of a delivery.
FINISHED = frozenset({"delivered", "dead", "dropped"})
#: The index of a key in `keys_of`.
CALL, STORY, EVENTS, DELIVERIES = range(4)


class Change(NamedTuple):
    """A value to replace, at an index of a list or in a field of a hash, of one of the keys."""

    key: int
    place: int | str
    before: bytes
    after: bytes


@dataclass(slots=True)
class Stored:
    """The data of a call, under the keys of `keys_of`, in this order."""

    call: list[bytes]
    story: list[bytes]
    events: dict[bytes, bytes]
    deliveries: dict[bytes, bytes]


def keys_of(account_sid: str, call_sid: str) -> list[str]:
    """Return the keys of everything that may be rewritten."""
    return [of_account(account_sid, part, call_sid) for part in ("call", "story", "events", "deliveries")]


def read_on(pipeline: Any, account_sid: str, call_sid: str) -> None:
    """Queue on a pipeline the reads whose replies make a `Stored`."""
    call, story, events, deliveries = keys_of(account_sid, call_sid)
    pipeline.lrange(call, 0, -1)
    pipeline.lrange(story, 0, -1)
    pipeline.hgetall(events)
    pipeline.hgetall(deliveries)


def changes_in(stored: Stored, erasure: Erasure, account_sid: str, call_sid: str) -> tuple[list[Change], Counter[str]]:
    """Return the values to replace, and their number in each of the eraser's PLACES."""
    changes: list[Change] = []
    counts: Counter[str] = Counter()

    def note(place: str, key: int, where: int | str, before: bytes, after: bytes) -> None:
        if before is not after and before != after:
            changes.append(Change(key, where, before, after))
            counts[place] += 1

    for index, text in enumerate(stored.call[:1]):
        note("steps", CALL, index, text, _state_without(erasure, text))
    for index, packed in enumerate(stored.call[1:], start=1):
        note("callbacks", CALL, index, packed, _callback_without(erasure, packed, account_sid, call_sid))
    for index, text in enumerate(stored.story):
        note("steps", STORY, index, text, json_without(erasure, text))
    for name, packed in sorted(stored.events.items()):
        if name == b"partial":
            body = unpack_body(packed)
            without = erasure.body(body)
            note("answers", EVENTS, "partial", packed, packed if without == body else pack_body(without))
            continue
        after, legs = _event_without(erasure, packed)
        note("records", EVENTS, name.decode(), packed, after)
        counts["legs"] += legs
    with_number = {change.place for change in changes if change.key == EVENTS}
    for name, text in sorted(stored.deliveries.items()):
        _, _, record = name.decode().partition("/")
        if record:  # else it is the number of pending ones
            note("answers", DELIVERIES, name.decode(), text, json_without(erasure, text))
            counts.update(_owed_as(text) if record in with_number else ())
    counts["calls"] = int(bool(changes))
    return changes, counts


def stale_terms(stored: Stored, changes: list[Change], call_sid: str) -> list[str]:
    """Return the terms that find the call in the index now, and nothing in it any more after these changes."""
    after = {(change.key, change.place): change.after for change in changes}
    found = Searchable()
    for index, packed in enumerate(stored.call[1:], start=1):
        found.add_callback(unpack_callback(after.get((CALL, index), packed), call_sid).params)
    for name, packed in stored.events.items():
        if name != b"partial":
            found.add_record(unpack_event(after.get((EVENTS, name.decode()), packed)))
    return [term for term in terms_in(next(iter(stored.call), None)) if term not in found.terms()]


def without_terms(stored: Stored, changes: list[Change], stale: list[str]) -> list[Change]:
    """Return the changes, with one of the call's state in which the `stale` terms are no more."""
    others = [change for change in changes if (change.key, change.place) != (CALL, 0)]
    state = json.loads(
        next((change.after for change in changes if (change.key, change.place) == (CALL, 0)), stored.call[0])
    )
    state["terms"] = " ".join(term for term in state["terms"].split() if term not in stale)
    return [*others, Change(CALL, 0, stored.call[0], json.dumps(state).encode())]


def delivered_to(stored: Stored, records: set[int | str], leased: set[bytes]) -> set[str]:
    """Return the sinks that have received one of these records, or may have.

    A sink that did not confirm a record may have kept it; a delivered record may be waiting to be redelivered; and a worker
    with a lease may have read it. Not recorded, and so not returned, are attempts whose worker was killed before the end,
    and those answered with 410.
    """
    found = set()
    for name, text in stored.deliveries.items():
        sink, _, record = name.decode().partition("/")
        if record in records and (name in leased or json.loads(text).get("attempts")):
            found.add(sink)
    return found


def _owed_as(text: bytes) -> list[str]:
    state = json.loads(text).get("state")
    return ["dead_letters"] if state == "dead" else [] if state in FINISHED else ["deliveries"]


def json_without(erasure: Erasure, text: bytes) -> bytes:
    """Return Legwork's JSON without the number; the same bytes if it does not contain it. JSON numbers are times and counts."""
    if not erasure.may_be_in(text.decode()):
        return text
    document = json.loads(text)
    without = _texts_without(erasure, document)
    return text if without == document else json.dumps(without).encode()


def _state_without(erasure: Erasure, text: bytes) -> bytes:
    """Return a call's state without the number; its terms, which are ends of several numbers side by side, stay."""
    state = json.loads(text)
    terms = state.pop("terms", None)
    without = _texts_without(erasure, state)
    if without == state:
        return text
    return json.dumps(without if terms is None else {**without, "terms": terms}).encode()


def _texts_without(erasure: Erasure, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts_without(erasure, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts_without(erasure, item) for item in value]
    return erasure.text(value) if isinstance(value, str) else value


def _callback_without(erasure: Erasure, packed: bytes, account_sid: str, call_sid: str) -> bytes:
    callback = unpack_callback(packed, call_sid)
    if not erasure.may_be_in(orjson.dumps([callback.event, callback.params]).decode()):
        return packed
    without = replace(
        callback,
        event=callback.event and erasure.text(callback.event),
        params=erasure.document(callback.params, kept=frozenset({account_sid, call_sid})),
    )
    return packed if without == callback else pack_callback(without)


def _event_without(erasure: Erasure, packed: bytes) -> tuple[bytes, int]:
    """Return a record without the number, and how many of its legs contained it."""
    event = unpack_event(packed)
    if not erasure.may_be_in(orjson.dumps(event).decode()):
        return packed, 0
    without = erasure.record(event)
    if without == event:
        return packed, 0
    legs = zip(event["data"].get("legs", ()), without["data"].get("legs", ()), strict=True)
    return pack_event(without), sum(leg != erased for leg, erased in legs)

"""Read calls as the rows of a list: their states, the facts that are known of them, and how far their deliveries are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from worker.ledger.call import CallState
from worker.ledger.codec import unpack_callback, unpack_event
from worker.ledger.queries.lookup import in_order
from worker.record.search_terms import Searchable
from worker.record.summary import CallFacts, facts_of_callbacks, facts_of_record, filled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from worker.ledger import Ledger

_OVER = frozenset({"delivered", "dropped"})


class Place(NamedTuple):
    """A call's place in the list of calls: when it began, in milliseconds of Redis's clock, and its ids."""

    began_ms: float
    call_sid: str
    account_sid: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call in a list. `state` is one of STATES, or dropped; `at_ms` is when that is due or was reached."""

    account_sid: str
    call_sid: str
    began_ms: float
    state: str
    at_ms: float
    since_ms: int
    reason: str | None
    facts: CallFacts
    #: The state of each delivery, by `<sink>/<revision>/<kind>`.
    deliveries: dict[str, str]
    searchable: Searchable

    @property
    def delivered(self) -> int:
        """Return how many of its deliveries are done."""
        return sum(state == "delivered" for state in self.deliveries.values())

    def lacks(self, sink: str) -> bool:
        """Return whether a record of the call is owed to a sink: it waits, or is a dead letter."""
        return any(state not in _OVER for name, state in self.deliveries.items() if name.partition("/")[0] == sink)


class Standing(NamedTuple):
    """A call's place, and its state as the ledger has it."""

    place: Place
    state: str
    at_ms: float
    details: CallState
    terms: frozenset[str]


def standings(ledger: Ledger, places: Sequence[Place]) -> list[Standing]:
    """Return the states of calls, in their order, without those that are no more. One round trip."""
    pipeline, asked = ledger.client.pipeline(transaction=False), []
    for account_sid in dict.fromkeys(place.account_sid for place in places):
        mine = [place for place in places if place.account_sid == account_sid]
        ledger.calls[account_sid].states_on(pipeline, [place.call_sid for place in mine])
        asked.append(mine)
    found = {}
    for mine, answer in zip(asked, pipeline.execute() if places else (), strict=True):
        for place, stored, state, at in zip(mine, answer[::3], answer[1::3], answer[2::3], strict=True):
            if stored:
                terms = frozenset(json.loads(stored).get("terms", "").split())
                found[place] = Standing(place, state.decode(), float(at or 0), CallState.parse(stored), terms)
    return [found[place] for place in places if place in found]


def rows_of(ledger: Ledger, calls: Sequence[Standing]) -> list[CallRow]:
    """Return the rows of calls. One round trip, a second one where records do not tell everything."""
    pipeline = ledger.client.pipeline(transaction=False)
    for call in calls:
        book, sid = ledger.calls[call.place.account_sid], call.place.call_sid
        pipeline.hgetall(book.key("events", sid))
        pipeline.hgetall(book.key("deliveries", sid))
        pipeline.lrange(book.key("call", sid), 1, -1)
        pipeline.lindex(book.key("story", sid), -1)
    answers = iter(pipeline.execute() if calls else ())
    return [_row(ledger, call, *parts) for call, *parts in zip(calls, answers, answers, answers, answers, strict=True)]


def _row(
    ledger: Ledger,
    call: Standing,
    events: dict[bytes, bytes],
    deliveries: dict[bytes, bytes],
    packed: list[bytes],
    last_step: bytes | None,
) -> CallRow:
    account = ledger.account(call.place.account_sid)
    records = [unpack_event(events[key.encode()]) for key in in_order(events)]
    facts, searchable = facts_of_record(records[-1]) if records else CallFacts(), Searchable()
    for record in records:
        searchable.add_record(record)
    callbacks = [unpack_callback(each, call.place.call_sid) for each in packed]
    for callback in callbacks:
        searchable.add_callback(callback.params)
    if not facts.is_whole:
        facts = filled(facts, facts_of_callbacks(callbacks, region=account.region, timezone=account.timezone))
    dropped_at = json.loads(last_step or b"{}").get("at", 0) if call.state == "dropped" else 0
    return CallRow(
        account_sid=account.sid,
        call_sid=call.place.call_sid,
        began_ms=call.place.began_ms,
        state=call.state,
        at_ms=call.at_ms or float(dropped_at),
        since_ms=call.details.since,
        reason=call.details.reason,
        facts=facts,
        deliveries=dict(_states_of(deliveries)),
        searchable=searchable,
    )


def _states_of(deliveries: dict[bytes, bytes]) -> Iterable[tuple[str, Any]]:
    for name, stored in deliveries.items():
        if name != b"pending":
            yield name.decode(), json.loads(stored).get("state", "waiting")

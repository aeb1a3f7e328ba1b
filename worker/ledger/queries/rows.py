"""Read calls as the rows of a list: their states, the facts that are known of them, and how far their deliveries are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

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


class Documents(NamedTuple):
    """A call's records, and its callbacks if they were read, packed: most lists never look into them."""

    call_sid: str
    records: tuple[bytes, ...]
    callbacks: tuple[bytes, ...]

    def searchable(self) -> Searchable:
        """Return what the call is found by."""
        found = Searchable()
        for packed in self.records:
            found.add_record(unpack_event(packed))
        for packed in self.callbacks:
            found.add_callback(unpack_callback(packed, self.call_sid).params)
        return found


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
    documents: Documents

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
    #: None before it was decided: it is not indexed then.
    terms: frozenset[str] | None


def standings(ledger: Ledger, places: Sequence[Place]) -> list[Standing]:
    """Return the states of calls, in their order, without those that are no more. One round trip."""
    pipeline, asked = ledger.client.pipeline(transaction=False), []
    for account_sid in dict.fromkeys(place.account_sid for place in places):
        mine = [place for place in places if place.account_sid == account_sid]
        ledger.calls[account_sid].states_on(pipeline, [place.call_sid for place in mine])
        asked.append(mine)
    found = {}
    for mine, answer in zip(asked, pipeline.execute() if places else (), strict=True):
        for place, stored, state, at in zip(mine, answer[::4], answer[1::4], answer[2::4], strict=True):
            if stored:
                terms = orjson.loads(stored).get("terms")
                words = None if terms is None else frozenset(terms.split())
                found[place] = Standing(place, state.decode(), float(at or 0), CallState.parse(stored), words)
    return [found[place] for place in places if place in found]


def rows_of(ledger: Ledger, calls: Sequence[Standing], *, searched: bool = False) -> list[CallRow]:
    """Return the rows of calls; `searched`: whether their documents are looked into.

    One round trip, and a second one where records do not tell everything.
    """
    pipeline = ledger.client.pipeline(transaction=False)
    for call in calls:
        book, sid = ledger.calls[call.place.account_sid], call.place.call_sid
        pipeline.hgetall(book.key("events", sid))
        pipeline.hgetall(book.key("deliveries", sid))
    answers = iter(pipeline.execute() if calls else ())
    drafts = [_draft(*parts) for parts in zip(calls, answers, answers, strict=True)]
    behind = [draft for draft in drafts if searched or not draft.facts.is_whole or draft.call.state == "dropped"]
    for draft in behind:
        book, sid = ledger.calls[draft.call.place.account_sid], draft.call.place.call_sid
        pipeline.lrange(book.key("call", sid), 1, -1)
        pipeline.lindex(book.key("story", sid), -1)
    answers = iter(pipeline.execute() if behind else ())
    for draft, callbacks, last_step in zip(behind, answers, answers, strict=True):
        draft.callbacks, draft.last_step = tuple(callbacks), last_step
    return [_row(ledger, draft) for draft in drafts]


@dataclass(slots=True)
class _Draft:
    """What is read of a call: first its records and deliveries, then, where they do not tell everything, the rest."""

    call: Standing
    records: tuple[bytes, ...]
    deliveries: dict[bytes, bytes]
    facts: CallFacts
    callbacks: tuple[bytes, ...] = ()
    last_step: bytes | None = None


def _draft(call: Standing, events: dict[bytes, bytes], deliveries: dict[bytes, bytes]) -> _Draft:
    records = tuple(events[key.encode()] for key in in_order(events))
    return _Draft(call, records, deliveries, facts_of_record(unpack_event(records[-1])) if records else CallFacts())


def _row(ledger: Ledger, draft: _Draft) -> CallRow:
    call, facts = draft.call, draft.facts
    account = ledger.account(call.place.account_sid)
    if not facts.is_whole:
        callbacks = [unpack_callback(packed, call.place.call_sid) for packed in draft.callbacks]
        facts = filled(facts, facts_of_callbacks(callbacks, region=account.region, timezone=account.timezone))
    return CallRow(
        account_sid=account.sid,
        call_sid=call.place.call_sid,
        began_ms=call.place.began_ms,
        state=call.state,
        # A dropped call is in no list; the last step of its history tells when it was.
        at_ms=call.at_ms or float(orjson.loads(draft.last_step or b"{}").get("at", 0)),
        since_ms=call.details.since,
        reason=call.details.reason,
        facts=facts,
        deliveries=dict(_states_of(draft.deliveries)),
        documents=Documents(call.place.call_sid, draft.records, draft.callbacks),
    )


def _states_of(deliveries: dict[bytes, bytes]) -> Iterable[tuple[str, Any]]:
    for name, stored in deliveries.items():
        if name != b"pending":
            yield name.decode(), orjson.loads(stored).get("state", "waiting")

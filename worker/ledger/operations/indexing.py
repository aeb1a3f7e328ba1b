"""Index the calls that an earlier Legwork stored without: once, in small steps, by whichever worker comes to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from worker.lazy_logger import LazyLogger
from worker.ledger.call import CallState
from worker.ledger.codec import unpack_callback, unpack_event
from worker.ledger.index import began_key, began_ms, pack_sid, term_keys
from worker.ledger.keys import INDEXED, LEDGER
from worker.ledger.queries.lookup import in_order
from worker.ledger.scripts import Scripts
from worker.record.search_terms import Searchable

if TYPE_CHECKING:
    from worker.ledger import Ledger
    from worker.ledger.scripts import Argument

_CALLS = "lw:{*}:call:*"
_KEY = re.compile(r"lw:\{(?P<account>[^}]*)\}:call:(?P<call>.+)")
log = LazyLogger(__name__)

# How many keys one step examines; a quarter of them are calls, of which each takes some 100 µs.
_STEP = 4000
_DONE = b"all"
# What the earlier version counted by the minute; the counts over time are elsewhere now.
_MINUTES_OF_OLD = "lw:minutes"


def index_older_calls(ledger: Ledger) -> int:
    """Index some of the calls that are in no index yet; return how many. Nothing to do costs one command.

    The place in Redis's keys is kept in the ledger. Workers that do the same step at once do no harm.
    """
    cursor = ledger.client.hget(LEDGER, INDEXED)
    if cursor == _DONE:
        return 0
    after, keys = ledger.client.scan(int(cursor or 0), match=_CALLS, count=_STEP)
    calls = [(named["account"], named["call"]) for key in keys if (named := _KEY.fullmatch(key.decode()))]
    older = _not_indexed(ledger, [call for call in calls if call[0] in ledger.calls])
    _index(ledger, older)
    ledger.client.hset(LEDGER, INDEXED, after or _DONE)
    if not after:
        ledger.client.unlink(_MINUTES_OF_OLD)
    if older:
        log.info(
            "ledger.indexed", calls=len(older), hint="an earlier version stored them; lists and searches show them now"
        )
    return len(older)


def _not_indexed(ledger: Ledger, calls: list[tuple[str, str]]) -> list[tuple[str, str]]:
    pipeline = ledger.client.pipeline(transaction=False)
    for account_sid, call_sid in calls:
        pipeline.zscore(began_key(account_sid), call_sid)
    scores = pipeline.execute() if calls else []
    return [call for call, score in zip(calls, scores, strict=True) if score is None]


def _index(ledger: Ledger, calls: list[tuple[str, str]]) -> None:
    pipeline = ledger.client.pipeline(transaction=False)
    for account_sid, call_sid in calls:
        book = ledger.calls[account_sid]
        pipeline.lrange(book.key("call", call_sid), 0, -1)
        pipeline.hgetall(book.key("events", call_sid))
    answers = iter(pipeline.execute() if calls else ())
    scripts, pipeline = Scripts(ledger.client), ledger.client.pipeline(transaction=False)
    for (account_sid, call_sid), stored, events in zip(calls, answers, answers, strict=True):
        if not stored:  # forgotten meanwhile
            continue
        found = Searchable()
        began: int | str = ""
        for packed in stored[1:]:
            found.add_callback(unpack_callback(packed, call_sid).params)
        for name in in_order(events):
            event = unpack_event(events[name.encode()])
            found.add_record(event)
            began = began_ms(event) or began
        book, terms = ledger.calls[account_sid], found.terms()
        keys = [*book.fetches.keys, book.key("call", call_sid), began_key(account_sid), *term_keys(account_sid, terms)]
        args: list[Argument] = [call_sid, began or CallState.parse(stored[0]).since, pack_sid(call_sid), *terms]
        scripts.run("backlog/index", keys, args, pipeline=pipeline)
    pipeline.execute()

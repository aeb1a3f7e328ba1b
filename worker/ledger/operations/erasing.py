"""Erase a person's number from the ledger: from callbacks, records, deliveries, answers and histories, call by call.

Work on a call goes on meanwhile: one script rewrites its data, if it is unchanged since it was read; otherwise it is read
again. Due lists, leases and the ids of records stay unchanged.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from worker.ledger.backlog import Backlog, Lane
from worker.ledger.index import pack_sid, term_keys
from worker.ledger.keys import SINKS
from worker.ledger.operations.erasable import (
    EVENTS,
    FINISHED,
    Change,
    Stored,
    changes_in,
    delivered_to,
    json_without,
    keys_of,
    read_on,
    stale_terms,
    without_terms,
)
from worker.ledger.queries.pages import in_pages
from worker.ledger.scripts import Scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.ledger import Ledger
    from worker.ledger.scripts import Argument
    from worker.numbers.erasure import Eraser

#: What is counted if it contains the number. `deliveries` are those that wait or are in progress.
PLACES = ("calls", "callbacks", "records", "legs", "deliveries", "dead_letters", "answers", "steps", "sink_states")

# The keys of calls and of operator records; also those of accounts that are no longer in the settings.
_CALLS, _OTHERS = "lw:{*}:call:*", "lw:{*}:events:operator-*"
_GATES = "lw:{*}:bucket:gate"
_KEY = re.compile(r"lw:\{(?P<account>[^}]*)\}:(?:call|events):(?P<call>.+)")
# How many keys one step of the scan examines: under a millisecond of Redis's time.
_STEP = 1000
# If a call changes more often than this while it is read, it is under attack, or there is a bug.
_TRIES = 100


@dataclass(slots=True)
class FoundCall:
    """A call that contains the number, or did before this run."""

    account_sid: str
    call_sid: str
    #: The number found in each of PLACES.
    counts: Counter[str] = field(default_factory=Counter)
    #: True if work in progress may bring the number back: a waiting or running fetch, or a running delivery.
    is_unfinished: bool = False
    #: The sinks that received a record with the number, or may be receiving it.
    delivered: set[str] = field(default_factory=set)


class Looked(NamedTuple):
    """A page of examined calls: how many, and those with the number (which are yielded before they are counted)."""

    calls: int
    found: list[FoundCall]


class LedgerEraser:
    """Finds a number in the calls of every account, and erases it unless `dry_run`. Use each instance once."""

    def __init__(self, ledger: Ledger, eraser: Eraser, *, dry_run: bool) -> None:
        self._client, self._eraser, self._dry_run = ledger.client, eraser, dry_run
        self._scripts = Scripts(ledger.client)
        self._counted: set[tuple[str, str]] = set()

    def run(self) -> Iterator[Looked]:
        """Examine all calls, page by page. Redis serves other clients between two pages."""
        for page in in_pages(self._calls()):
            pipeline = self._client.pipeline(transaction=False)
            for account_sid, call_sid in page:
                read_on(pipeline, account_sid, call_sid)
            answers = iter(pipeline.execute())
            stored = [Stored(*parts) for parts in zip(answers, answers, answers, answers, strict=True)]
            for (account_sid, call_sid), one in zip(page, stored, strict=True):
                is_counted = (account_sid, call_sid) in self._counted
                if not is_counted and changes_in(one, self._eraser.of(account_sid), account_sid, call_sid)[0]:
                    found = self._see_to(account_sid, call_sid)
                    # At once: if this is interrupted within a page, everything done so far must be reported.
                    yield Looked(0, [found] if found else [])
            yield Looked(len(page), [])

    def sink_states(self) -> int:
        """Erase the number from the reasons of sinks' states; return how many contained it."""
        count = 0
        for name, stored in self._client.hgetall(SINKS).items():
            after = json_without(self._eraser.of(""), stored)
            count += after != stored
            if after != stored and not self._dry_run:  # if it has changed meanwhile, it is about a newer failure
                self._scripts.run("privacy/erase", [SINKS], [0, "", 1, name, stored, after])
        return count

    def suspensions(self) -> int:
        """Erase the number from the reasons of accounts' suspensions; return how many contained it."""
        count = 0
        for key in self._client.scan_iter(match=_GATES, count=_STEP):
            stored = self._client.hget(key, "suspension") or b""
            account_sid = key.decode().partition("{")[2].partition("}")[0]
            after = self._eraser.of(account_sid).text(stored.decode()).encode()
            count += after != stored
            if after != stored and not self._dry_run:
                self._scripts.run("privacy/erase", [key.decode()], [0, "", 1, "suspension", stored, after])
        return count

    def _calls(self) -> Iterator[tuple[str, str]]:
        for pattern in (_CALLS, _OTHERS):
            for key in self._client.scan_iter(match=pattern, count=_STEP):
                if named := _KEY.fullmatch(key.decode()):
                    yield named["account"], named["call"]

    def _see_to(self, account_sid: str, call_sid: str) -> FoundCall | None:
        """Read, rewrite, and read again until there is nothing to rewrite; None if the call is gone meanwhile."""
        found, with_number = FoundCall(account_sid, call_sid), set[int | str]()
        for _ in range(_TRIES):
            stored, is_fetched, leased = self._read_whole(account_sid, call_sid)
            changes, counts = changes_in(stored, self._eraser.of(account_sid), account_sid, call_sid)
            # A delivery leased before the erasure may have been read before it, too.
            found.is_unfinished = found.is_unfinished or is_fetched or bool(leased)
            with_number |= {change.place for change in changes if change.key == EVENTS}
            # With the last read, after the erasure: a delivery in progress may have ended since the read before.
            found.delivered |= delivered_to(stored, with_number, leased)
            if not changes:
                break
            if self._dry_run or self._rewrite(account_sid, call_sid, stored, changes):
                found.counts += counts
            if self._dry_run:
                # SCAN may return a key twice if Redis has removed many keys meanwhile; it must not be counted twice.
                self._counted.add((account_sid, call_sid))
                break
        found.counts["calls"] = min(1, found.counts["calls"])
        return found if found.counts["calls"] else None

    def _rewrite(self, account_sid: str, call_sid: str, stored: Stored, changes: list[Change]) -> bool:
        """Rewrite a call's data and take it out of the index where the number is what it was found by."""
        stale = stale_terms(stored, changes, call_sid)
        if stale:
            changes = without_terms(stored, changes, stale)
        keys = [*keys_of(account_sid, call_sid), *term_keys(account_sid, stale)]
        args: list[Argument] = [part for change in changes for part in (change.key + 1, *change[1:])]
        return bool(self._scripts.run("privacy/erase", keys, [len(stale), pack_sid(call_sid), *args]))

    def _read_whole(self, account_sid: str, call_sid: str) -> tuple[Stored, bool, set[bytes]]:
        """Read a call, whether it is to be fetched or is being fetched, and which of its deliveries are under way."""
        fetches = self._backlog(account_sid, "fetch")
        pipeline = self._client.pipeline(transaction=True)
        read_on(pipeline, account_sid, call_sid)
        for lane in Lane:
            pipeline.zscore(fetches.due_key(lane), call_sid)
        pipeline.zscore(fetches.leases_key, call_sid)
        call, story, events, deliveries, *scores = pipeline.execute()
        stored = Stored(call, story, events, deliveries)
        return stored, any(score is not None for score in scores), self._leased(account_sid, call_sid, stored)

    def _leased(self, account_sid: str, call_sid: str, stored: Stored) -> set[bytes]:
        pipeline, asked = self._client.pipeline(transaction=False), []
        for name, delivery in stored.deliveries.items():
            sink, _, record = name.decode().partition("/")
            if record and json.loads(delivery).get("state") not in FINISHED:
                pipeline.zscore(self._backlog(account_sid, f"sink:{sink}").leases_key, f"{call_sid}/{record}")
                asked.append(name)
        expiries = pipeline.execute() if asked else []
        return {name for name, expiry in zip(asked, expiries, strict=True) if expiry is not None}

    def _backlog(self, account_sid: str, name: str) -> Backlog:
        return Backlog(self._scripts, account_sid, name, lease_seconds=0)  # only for its keys

"""Find the few calls that a filter may want by an index, where one of them is short enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.ledger.backlog import Lane
from worker.ledger.index import began_key, term_keys, unpack_sid
from worker.ledger.queries.lookup import index_keys, sids_beginning
from worker.ledger.queries.rows import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.ledger import Ledger
    from worker.ledger.queries.filters import CallFilter

# Above this many, it is faster to read the calls in order: one in fifty of 100,000 is wanted then.
FEW = 2000
# These states have sorted sets of their own, which are short unless something is wrong. Nearly every call is settled.
_RARE_STATES = frozenset({"waiting", "fetching", "dead"})


def few_candidates(
    ledger: Ledger, accounts: Sequence[str], wanted: CallFilter, *, most: int = FEW
) -> set[Place] | None:
    """Return a set of at most `most` calls that holds all wanted ones; None where no index tells so few."""
    ways = []
    if wanted.search is not None:
        ways.append(_by_search)
    if wanted.state in _RARE_STATES:
        ways.append(_by_state)
    if wanted.undelivered is not None:
        ways.append(_by_sink)
    for way in ways:
        found = way(ledger, accounts, wanted, most)
        if found is not None:
            return _places(ledger, found)
    return None


def _by_search(ledger: Ledger, accounts: Sequence[str], wanted: CallFilter, most: int) -> set[tuple[str, str]] | None:
    search = wanted.search
    if search is None:
        return None
    lists = [(sid, key) for sid in accounts for key in term_keys(sid, search.terms())]
    postings = _members(ledger, lists, "llen", "lrange", most)
    # Calls are indexed when they are decided; before that there are few of them, unless something is wrong.
    undecided = _members(ledger, _undecided(ledger, accounts), "zcard", "zrange", most)
    if postings is None or undecided is None:
        return None
    found = {(sid, unpack_sid(packed)) for sid, packed in postings} | {(sid, raw.decode()) for sid, raw in undecided}
    if search.sid_prefix is None:
        return found
    for sid in accounts:
        found |= {(sid, named) for named in sids_beginning(ledger, sid, search.sid_prefix, most=most)}
    return found if len(found) <= most else None


def _undecided(ledger: Ledger, accounts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the keys of calls that may not be indexed yet. Imported calls are not among them: nothing is known of them."""
    backlogs = [(sid, ledger.calls[sid].fetches) for sid in accounts]
    return [
        (sid, key)
        for sid, backlog in backlogs
        for key in (backlog.due_key(Lane.LIVE), backlog.due_key(Lane.RETRY), backlog.leases_key)
    ]


def _by_state(ledger: Ledger, accounts: Sequence[str], wanted: CallFilter, most: int) -> set[tuple[str, str]] | None:
    lists = [(sid, key) for sid in accounts for key in index_keys(ledger.calls[sid], str(wanted.state))]
    calls = _members(ledger, lists, "zcard", "zrange", most)
    return None if calls is None else {(sid, raw.decode()) for sid, raw in calls}


def _by_sink(ledger: Ledger, accounts: Sequence[str], wanted: CallFilter, most: int) -> set[tuple[str, str]] | None:
    lists = []
    for sid in accounts:
        book = ledger.book(sid, str(wanted.undelivered))
        keys = [*(book.backlog.due_key(lane) for lane in Lane), book.backlog.leases_key, book.dead_key]
        lists += [(sid, key) for key in keys]
    items = _members(ledger, lists, "zcard", "zrange", most)
    # An item is <CallSid>/<revision>/<kind>.
    return None if items is None else {(sid, raw.decode().partition("/")[0]) for sid, raw in items}


def _members(
    ledger: Ledger, keys: Sequence[tuple[str, str]], count: str, read: str, most: int
) -> list[tuple[str, bytes]] | None:
    """Return the members of accounts' lists or sorted sets, each with its account; None above `most`.

    `count` and `read` are the commands for their kind.
    """
    pipeline = ledger.client.pipeline(transaction=False)
    for _, key in keys:
        getattr(pipeline, count)(key)
    sizes = pipeline.execute() if keys else []
    if sum(sizes) > most:
        return None
    filled = [each for each, size in zip(keys, sizes, strict=True) if size]
    for _, key in filled:
        getattr(pipeline, read)(key, 0, -1)
    answers = pipeline.execute() if filled else []
    return [(sid, raw) for (sid, _), members in zip(filled, answers, strict=True) for raw in members]


def _places(ledger: Ledger, found: set[tuple[str, str]]) -> set[Place]:
    """Return calls with when they began; one that was forgotten meanwhile is left out."""
    by_account: dict[str, list[str]] = {}
    for sid, call_sid in found:
        by_account.setdefault(sid, []).append(call_sid)
    pipeline = ledger.client.pipeline(transaction=False)
    for sid, call_sids in by_account.items():
        pipeline.zmscore(began_key(sid), call_sids)
    answers = pipeline.execute() if by_account else []
    return {
        Place(began_ms, call_sid, sid)
        for (sid, call_sids), scores in zip(by_account.items(), answers, strict=True)
        for call_sid, began_ms in zip(call_sids, scores, strict=True)
        if began_ms is not None
    }

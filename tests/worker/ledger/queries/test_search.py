"""A search by the index finds exactly what a look at every call would, whatever was stored, erased and forgotten before."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_callback
from hypothesis import given
from hypothesis import strategies as st
from payloads.records import answer_of, build
from searching import few

from worker.ledger.call import Verdict
from worker.ledger.index import began_key, pack_sid, term_keys, terms_in, unpack_sid
from worker.ledger.operations.erasing import LedgerEraser
from worker.ledger.queries.candidates import FEW
from worker.ledger.queries.filters import CallFilter, SearchText
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.rows import Place, rows_of, standings
from worker.numbers.erasure import Eraser

# Some end alike, one is shorter than a term, one is written in two ways.
PARTIES = [
    "09000000001",
    "+919000000001",
    "09111110001",
    "09000004401",
    "140",
    "sip:agentone2b3c",
    "sip:a@b.example;x=401",
]
FIELDS = ["order_79", "order_7", "0001", "=SUM(A1)", "\u202eorder", "91"]
SIDS = [f"3f9a1c7e5b2d4806a9c1e3f5b7d91a{number:02}" for number in range(4)] + [
    "3f9a1cXY",
    "call0001call0001call0001call00010",
]
TEXTS = [
    *PARTIES,
    *FIELDS[:-1],
    "0001",
    "001",
    "…4401",
    "2b3c",
    "b3c",
    "9000000001",
    "3f9a1c",
    "call00",
    "140",
    "401",
    "order",
    "zzz",
]

steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("callback"), st.sampled_from(SIDS), st.sampled_from(PARTIES), st.sampled_from([None, *FIELDS])
        ),
        st.tuples(st.just("settle"), st.sampled_from(SIDS), st.sampled_from(PARTIES), st.none()),
        st.tuples(st.just("erase"), st.none(), st.sampled_from(PARTIES[:4]), st.none()),
        st.tuples(st.just("forget"), st.none(), st.none(), st.none()),
    ),
    max_size=12,
)


def settle(bench, sid, party):
    """Settle a call that waits, with a leg of this party; nothing if it does not wait."""
    book = bench.book
    leases = {lease.item: lease for lease in book.fetches.lease(len(SIDS))}
    for item, lease in leases.items():
        call = book.claim(lease)
        if item != sid:
            book.postpone(call, wait_seconds=0, attempt=False, settle_seconds=0)
            continue
        event = build(answer_of("S1"), call.callbacks, call_sid=sid)
        event["data"]["legs"][0] |= {"number": None, "number_raw": party}
        verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=[])
        assert book.decide(sid, lease, verdict, callbacks=call.callbacks)


def take(bench, step):
    what, sid, party, custom_field = step
    match what:
        case "callback":
            field = {} if custom_field is None else {"CustomField": custom_field}
            bench.book.admit(make_callback(sid, From=party, **field), wait_seconds=0)
        case "settle":
            settle(bench, sid, party)
        case "erase":
            for _ in LedgerEraser(bench.ledger, Eraser(party, {ACCOUNT: "IN"}, "IN"), dry_run=False).run():
                pass
        case "forget":
            bench.clock.advance(8 * 86_400)
            bench.book.forget_old(bench.clock.now_ms)


def found(bench, text, few=FEW):
    page = page_of_calls(bench.ledger, limit=100, wanted=CallFilter(search=SearchText.of(text)), few=few)
    assert page.next is None
    return [call.call_sid for call in page.calls]


def by_looking_at_all(bench, text):
    search, ledger = SearchText.of(text), bench.ledger
    began = ledger.client.zrange(began_key(ACCOUNT), 0, -1, desc=True, withscores=True)
    places = [Place(score, raw.decode(), ACCOUNT) for raw, score in began]
    calls = rows_of(ledger, standings(ledger, places), searched=True)
    return [call.call_sid for call in calls if search.matches(call.call_sid, call.documents.searchable(), "IN")]


def test_a_search_finds_what_a_look_at_every_call_finds(make_bench, client):
    bench = make_bench()

    @few(60)
    @given(steps)
    def check(taken):
        client.flushdb()
        for step in taken:
            take(bench, step)
        for text in TEXTS:
            expected = by_looking_at_all(bench, text)
            assert found(bench, text) == expected, text
            assert found(bench, text, few=-1) == expected, f"{text}, read in order"

    check()


def test_the_index_holds_each_call_once_under_its_terms_and_nothing_of_forgotten_ones(make_bench, client):
    bench = make_bench()

    @few(60)
    @given(steps)
    def check(taken):
        client.flushdb()
        for step in taken:
            take(bench, step)
        indexed = {}
        for key in client.scan_iter(match=f"lw:{{{ACCOUNT}}}:term:*"):
            postings = [unpack_sid(packed) for packed in client.lrange(key, 0, -1)]
            assert len(postings) == len(set(postings))
            for sid in postings:
                indexed.setdefault(sid, set()).add(key.decode())
        calls = {
            key.decode().rpartition(":")[2]: client.lindex(key, 0) for key in client.scan_iter(match="lw:{*}:call:*")
        }
        assert {raw.decode() for raw in client.zrange(began_key(ACCOUNT), 0, -1)} == set(calls)
        assert indexed == {
            sid: set(term_keys(ACCOUNT, terms_in(state))) for sid, state in calls.items() if terms_in(state)
        }

    check()


@given(st.from_regex(r"[0-9A-Za-z]{8,64}", fullmatch=True) | st.from_regex(r"[0-9a-z]{32}", fullmatch=True))
def test_a_packed_sid_is_itself_again(sid):
    assert unpack_sid(pack_sid(sid)) == sid
    assert len(pack_sid(sid)) <= max(21, len(sid) + 1)


def test_what_many_calls_have_is_found_page_by_page(make_bench):
    bench = make_bench()
    for number in range(30):
        bench.admit(f"{number:08}tail", From="09000000001")
    wanted = CallFilter(search=SearchText.of("0001"))
    first = page_of_calls(bench.ledger, limit=20, wanted=wanted, few=5)
    assert (len(first.calls), first.next is None) == (20, False)
    rest = page_of_calls(bench.ledger, limit=20, wanted=wanted, after=first.next, few=5)
    assert (len(rest.calls), rest.next) == (10, None)


def test_a_callback_that_comes_while_its_call_is_decided_or_later_is_what_it_is_found_by(make_bench):
    """Calls are indexed when they are decided, so that a callback is answered fast."""
    bench = make_bench()
    bench.admit(SIDS[0], From="09000000001")
    (lease,) = bench.book.fetches.lease(1)
    call = bench.book.claim(lease)
    bench.admit(SIDS[0], CustomField="while it was decided")
    event = build(answer_of("S1"), call.callbacks, call_sid=SIDS[0])
    verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=[])
    assert bench.book.decide(SIDS[0], lease, verdict, callbacks=call.callbacks)
    bench.admit(SIDS[0], CustomField="long after")
    for text in ("while it was decided", "long after", "09000000001"):
        assert found(bench, text) == [SIDS[0]], text


def test_a_call_that_waits_is_found_though_it_is_not_indexed_yet(make_bench):
    bench = make_bench()
    bench.admit(SIDS[0], From="09000000614", CustomField="order_79", wait=60)
    assert not list(bench.ledger.client.scan_iter(match="lw:{*}:term:*"))
    assert found(bench, "0614") == found(bench, "order_79") == [SIDS[0]]
    assert found(bench, "0615") == []


@pytest.mark.parametrize("text", ["", "1", "…14", "  42  ", "x" * 257])
def test_a_text_that_cannot_be_searched_is_refused_with_what_can(text):
    with pytest.raises(ValueError, match="give "):
        SearchText.of(text)

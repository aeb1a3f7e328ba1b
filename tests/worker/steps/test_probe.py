"""Asking Exotel about an account: with a token, and with its state as what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import answer
from worker_kit import MemorySink, legs_answer

from worker.ledger.bucket import Gate
from worker.ledger.registry.account_notes import AccountNotes
from worker.steps.ask_at_start import ask_at_start
from worker.steps.probe import Credentials, ask_account, probe


@pytest.fixture
def bench(make_bench):
    return make_bench(suspension_probe_seconds=300)


def account_of(bench):
    return bench.ledger.account(ACCOUNT)


def ask(bench):
    return ask_account(bench.context, account_of(bench))


def requests_of(exotel):
    return [seen.target.split("/")[5] for seen in exotel.seen]


@pytest.mark.parametrize("status", [404, 400])
def test_an_answer_about_a_call_that_cannot_exist_proves_the_credentials(bench, exotel, status):
    exotel.always(answer(status=status))
    found = ask(bench)
    assert (found.credentials, found.text) == (Credentials.ACCEPTED, str(status))
    assert requests_of(exotel) == ["0" * 32]
    assert bench.book.bucket.look().cooling_down == 1, "it counts against the quota"
    assert AccountNotes(bench.ledger.client, ACCOUNT).read().answered_ms is not None


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_suspends_the_account(bench, exotel, status):
    exotel.always(answer(status=status))
    assert ask(bench).credentials is Credentials.REFUSED
    assert bench.book.bucket.look().gate is Gate.SUSPENDED
    assert AccountNotes(bench.ledger.client, ACCOUNT).read().answered_ms is None


@pytest.mark.parametrize(
    ("reply", "credentials"),
    [(answer(status=429), Credentials.THROTTLED), (answer(status=500), Credentials.UNREACHABLE)],
)
def test_what_says_nothing_of_the_credentials_changes_nothing(bench, exotel, reply, credentials):
    exotel.always(reply)
    assert ask(bench).credentials is credentials
    assert bench.book.bucket.look().gate is Gate.OPEN


def test_a_suspended_account_is_asked_only_when_its_time_has_come_or_somebody_allows_it(bench, exotel):
    exotel.always(answer(status=404))
    bench.book.bucket.suspend("401")
    found = ask(bench)
    assert (found.credentials, found.text) == (Credentials.NOT_ASKED, "suspended")
    assert exotel.seen == []
    assert bench.book.bucket.allow_probe()
    found = ask(bench)
    assert (found.credentials, found.has_resumed) == (Credentials.ACCEPTED, True)
    assert bench.book.bucket.look().gate is Gate.OPEN
    assert not bench.book.bucket.allow_probe(), "it is suspended no more"


def test_without_a_token_nothing_is_asked(make_bench, exotel):
    bench = make_bench(exotel_quota=1, exotel_quota_seconds=60)
    bench.book.bucket.take("another")
    bench.book.bucket.give_back("another")
    found = probe(bench.ledger, account_of(bench), sleep=bench.clock.advance)
    assert found.credentials is Credentials.NOT_ASKED
    assert exotel.seen == []


def test_the_operators_hear_of_a_refusal_and_of_its_end(make_bench, exotel, operator_sink):
    bench, told = operator_sink(make_bench)
    exotel.always(answer(status=401))
    ask(bench)
    bench.book.bucket.allow_probe()
    exotel.always(answer(status=404))
    ask(bench)
    assert sorted(told()) == ["legwork.operator.account_resumed", "legwork.operator.account_suspended"]


@pytest.fixture
def operator_sink():
    """A workbench whose sink wants operator records, and their types in the order in which they came."""

    def make(make_bench):
        spec = replace(
            sink_spec("stdout:", name="ops"),
            types=tuple(f"legwork.operator.account_{what}" for what in ("suspended", "resumed")),
        )
        bench = make_bench(sink_specs=[spec], opened={"ops": MemorySink(spec)})

        def told():
            book = bench.ledger.deliveries[ACCOUNT, "ops"]
            return [owed.event["type"] for owed in book.claim_all(book.backlog.lease(9)).owed]

        return bench, told

    return make


# At a worker's start


def test_an_account_that_has_not_answered_lately_is_asked_once_at_the_start(bench, exotel):
    exotel.always(answer(status=404))
    ask_at_start(bench.context)
    ask_at_start(bench.context)
    assert requests_of(exotel) == ["0" * 32]


def test_of_workers_that_start_together_one_asks(bench, exotel):
    exotel.always(answer(status=500))
    ask_at_start(bench.context)
    ask_at_start(bench.context)
    assert len(exotel.seen) == 1, "it proved nothing, and still only one asked"


def test_an_account_whose_call_was_fetched_lately_is_not_asked(bench, exotel):
    exotel.always(answer(status=404))
    client = bench.ledger.client
    AccountNotes(client, ACCOUNT).note_answer()
    ask_at_start(bench.context)
    assert exotel.seen == []
    long_ago = AccountNotes(client, ACCOUNT).read().answered_ms - 3_700_000
    client.hset(bench.book.key("totals"), "answered_at", long_ago)
    ask_at_start(bench.context)
    assert len(exotel.seen) == 1


def test_a_call_that_is_settled_notes_that_the_account_answers(bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    bench.admit("call0000")
    bench.fetch()
    assert AccountNotes(bench.ledger.client, ACCOUNT).read().answered_ms == pytest.approx(bench.clock.now_ms)


def test_a_wrong_key_shows_at_the_start(bench, exotel):
    exotel.always(answer(status=401))
    ask_at_start(bench.context)
    assert bench.book.bucket.look().gate is Gate.SUSPENDED


def test_an_exotel_that_does_not_answer_keeps_nobody_from_work(bench, exotel):
    exotel.always(answer(status=503))
    ask_at_start(bench.context)
    assert bench.book.bucket.look().gate is Gate.OPEN

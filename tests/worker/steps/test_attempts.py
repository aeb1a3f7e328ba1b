"""Each attempt of a delivery keeps when it was, how long it took, and what the sink answered, from the first one on."""

from __future__ import annotations

import pytest
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import StubServer, answer, reset
from worker_kit import legs_answer

from worker.ledger.operations.erasing import LedgerEraser
from worker.numbers.erasure import Eraser
from worker.sinks import sink_for
from worker.steps.deliver import deliver

MAINTENANCE = b"CRM database is in maintenance until 10:00, ticket OPS-42"


@pytest.fixture
def subscriber():
    with StubServer(answer(MAINTENANCE, 503)) as server:
        yield server


@pytest.fixture
def attempts(make_bench, exotel, subscriber):
    """Gives a function that tries one delivery so many times, and returns what is kept of the attempts."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    sink = sink_for(sink_spec(subscriber.url, allow_private=True, headers={"X-Key": "a-key-of-the-crm"}))
    bench = make_bench(
        sink_specs=[sink.spec], opened={sink.name: sink}, delivery_schedule=" ".join(["60"] * 12), confirm_seconds=0
    )
    bench.admit("call0000")
    bench.fetch()
    book = bench.ledger.deliveries[ACCOUNT, sink.name]

    def attempt(times=1):
        for _ in range(times):
            deliver(bench.context, ACCOUNT, sink.name, book.backlog.lease(1))
            bench.clock.advance(120)
        (found,) = bench.story("call0000").deliveries.values()
        return found["attempts"]

    attempt.bench = bench
    yield attempt
    sink.close()


def test_what_the_sink_answers_is_seen_at_the_first_attempt(attempts):
    """It was read, and shown only when the delivery was dead, 28 hours later."""
    (first,) = attempts()
    assert (first["answer"], first["status"], first["body"]) == ("503", 503, MAINTENANCE.decode())
    assert first["seconds"] > 0


def test_without_an_answer_there_is_no_status(attempts, subscriber):
    subscriber.then(reset())
    (first,) = attempts()
    assert first.keys() == {"at", "answer", "seconds"}


def test_secrets_and_numbers_are_masked_before_it_is_cut(attempts, subscriber):
    secret = "a-key-of-the-crm"
    subscriber.then(answer(f"call +919000000614 with {secret} {'x' * 453} {secret}".encode(), 500))
    (first,) = attempts()
    assert first["body"].startswith("call …0614 with *** ")
    assert secret[:6] not in first["body"]
    assert len(first["body"].encode()) <= 512


def test_a_body_moves_no_cursor_and_ends_with_a_whole_character(attempts, subscriber):
    subscriber.then(answer(b"\x1b[2J\x00" + "\u0928".encode() * 400, 500))
    (first,) = attempts()
    assert "\x1b" not in first["body"]
    assert "\x00" not in first["body"]
    assert first["body"].endswith("\u0928")


def test_of_many_attempts_the_first_and_the_last_two_keep_what_was_answered(attempts):
    found = attempts(8)
    assert [at for at, each in enumerate(found) if "body" in each] == [0, 6, 7]
    assert [each["status"] for each in found] == [503] * 8


def test_a_delivery_that_succeeds_keeps_how_long_it_took_and_little_more(attempts, subscriber):
    subscriber.then(answer(b"x" * 2000, 200))
    (first,) = attempts()
    assert first.keys() == {"at", "answer", "seconds"}


def test_a_number_that_is_erased_is_erased_from_what_was_answered_too(attempts):
    bench = attempts.bench
    attempts()
    key = bench.book.key("deliveries", "call0000")
    (name,) = (name for name in bench.ledger.client.hkeys(key) if name != b"pending")
    stored = bench.ledger.client.hget(key, name)
    bench.ledger.client.hset(key, name, stored.replace(b"ticket OPS-42", b"ask 09000000614"))
    for _ in LedgerEraser(bench.ledger, Eraser("+919000000614", {ACCOUNT: "IN"}, "IN"), dry_run=False).run():
        pass
    assert b"9000000614" not in bench.ledger.client.hget(key, name)

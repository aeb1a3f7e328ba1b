"""Delivering to a sink that was changed a moment ago, by a worker that has not looked since.

Found in CI: a record went to the URL that `sinks update` had replaced, for a worker looks for changes once a second.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from delivery_kit import Deliveries
from factories import ACCOUNT
from sink_contract import sink_spec
from stubs import StubServer, answer
from worker_kit import legs_answer

from worker.ledger.backlog import Lane
from worker.steps.deliver import CROWDED_SECONDS, deliver


class Moved:
    """A webhook at `old` with one record waiting and leased; `change` is what another process does meanwhile."""

    def __init__(self, bench, old, new):
        self.bench, self.old, self.new = bench, old, new
        bench.ledger.subscribers.add(sink_spec(f"{old.url}/hook", name="hook", allow_private=True))
        bench.context.keep_sinks_open()
        bench.admit("call0000")
        bench.fetch()
        self.deliveries = Deliveries(bench, bench.context.sinks["hook"])
        self.leases = self.deliveries.book.backlog.lease(1)

    def change(self, **how):
        assert self.bench.ledger.subscribers.change("hook", lambda spec: replace(spec, **how))

    def deliver(self):
        deliver(self.bench.context, ACCOUNT, "hook", self.leases)

    def posts(self):
        return [[seen.target for seen in server.seen] for server in (self.old, self.new)]


@pytest.fixture
def moved(make_bench, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    with ExitStack() as servers:
        old, new = (servers.enter_context(StubServer(answer(status=204))) for _ in range(2))
        yield Moved(make_bench(legwork_secret_key=Fernet.generate_key().decode(), confirm_seconds=0), old, new)


def test_what_begins_after_a_change_goes_to_the_new_url(moved):
    moved.change(url=f"{moved.new.url}/moved")
    moved.deliver()
    assert moved.posts() == [[], ["/moved"]]


def test_what_begins_after_a_change_is_signed_with_the_new_secret(moved):
    moved.change(secrets=("whsec_" + "c2VjcmV0" * 4,))
    moved.deliver()
    (seen,) = moved.old.seen
    assert seen.headers["webhook-signature"].startswith("v1,")


def test_nothing_is_sent_to_a_webhook_that_was_removed(moved):
    moved.bench.ledger.subscribers.remove("hook", now_ms=0)
    moved.deliver()
    assert moved.posts() == [[], []]


def test_what_waits_for_a_webhook_that_cannot_be_opened_any_more_is_put_back_without_an_attempt(moved):
    moved.change(options={"ca_file": "/nonexistent"})
    moved.deliver()
    assert moved.posts() == [[], []]
    assert moved.deliveries.due_in() == [(Lane.LIVE, CROWDED_SECONDS)]
    (waiting,) = (found for key, found in moved.bench.story("call0000").deliveries.items() if "hook" in str(key))
    assert "attempts" not in waiting

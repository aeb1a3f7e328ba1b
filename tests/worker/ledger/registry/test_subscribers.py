"""Sinks added at run time: every process learns of them, and what they must hide is hidden."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from factories import ACCOUNT, make_settings

from schemas.settings import SinkSpec
from schemas.settings.sink_fields import Rate
from worker.encryption import Locked, new_key
from worker.ledger import Ledger
from worker.ledger.keys import SUBSCRIBERS
from worker.ledger.registry.subscribers import ChangedMeanwhile, NameTaken

KEY = new_key()
CRM = SinkSpec(
    name="crm",
    url="https://user:pass@crm.example/hook?token=query-token",
    secrets=("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
    types=("legwork.call.completed",),
    accounts=(ACCOUNT,),
    filter="data.talk_seconds > `0`",
    projection="call_sid",
    rate=Rate(600, 60.0),
    concurrency=3,
    options={"headers": {"X-Key": "header-secret"}},
)
PLAIN = SinkSpec(name="plain", url="https://plain.example/")


@pytest.fixture
def make_ledger(client, redis_url):
    def make(key=KEY, **variables):
        if key:
            variables["legwork_secret_key"] = key
        return Ledger(client, make_settings(redis_url, **variables))

    return make


def test_every_process_learns_of_a_subscriber_that_was_added_and_of_its_end(make_ledger):
    here, there = make_ledger(), make_ledger()
    here.subscribers.add(CRM)
    assert (here.refresh_sinks(), there.refresh_sinks(), there.refresh_sinks()) == (True, True, False)
    assert there.sinks["crm"] == CRM
    assert {name for _, name in there.deliveries} == {"stdout", "crm"}
    assert there.rates.keys() == {"crm"}
    assert here.subscribers.remove("crm", now_ms=here.now_ms())
    assert there.refresh_sinks()
    assert (set(there.sinks), set(there.rates)) == ({"stdout"}, set())
    assert not here.subscribers.remove("crm", now_ms=here.now_ms()), "there is none"


def test_opening_the_ledger_tells_of_subscribers_too(make_ledger):
    make_ledger().subscribers.add(PLAIN)
    ledger = make_ledger()
    ledger.open()
    assert "plain" in ledger.sinks


def test_a_subscriber_of_one_account_gets_no_books_of_another(make_ledger, accounts):
    ledger = make_ledger(**accounts)
    ledger.subscribers.add(CRM)
    ledger.refresh_sinks()
    assert [sid for sid, name in ledger.deliveries if name == "crm"] == [ACCOUNT]


def test_nothing_secret_lies_open_in_redis(make_ledger, client):
    make_ledger().subscribers.add(CRM)
    stored = b" ".join(client.hgetall(SUBSCRIBERS).values()).decode()
    for secret in ("pass", "query-token", CRM.secrets[0], "header-secret", "crm.example"):
        assert secret not in stored
    assert json.loads(stored)["filter"] == CRM.filter, "what is no secret can be read by whoever looks for trouble"


def test_a_name_is_given_once(make_ledger):
    ledger = make_ledger()
    ledger.subscribers.add(PLAIN)
    with pytest.raises(NameTaken, match="plain"):
        ledger.subscribers.add(CRM.__class__(name="plain", url="https://other.example/"))
    ledger.refresh_sinks()
    assert ledger.sinks["plain"] == PLAIN


def test_without_the_key_a_subscriber_is_told_to_be_unusable_and_the_others_work(make_ledger):
    writer = make_ledger()
    writer.subscribers.add(CRM)
    other = make_ledger(key=new_key())
    other.subscribers.add(PLAIN)
    other.refresh_sinks()
    assert "plain" in other.sinks
    assert "crm" not in other.sinks
    assert "after the current one" in other.register.unusable["crm"]
    without = make_ledger(key=None)
    without.refresh_sinks()
    assert without.register.unusable.keys() == {"crm", "plain"}
    with pytest.raises(Locked):
        without.subscribers.add(PLAIN)


def test_what_a_newer_legwork_has_added_is_not_misread(make_ledger, client):
    ledger = make_ledger()
    ledger.subscribers.add(PLAIN)
    document = json.loads(client.hget(SUBSCRIBERS, "plain"))
    client.hset(SUBSCRIBERS, "plain", json.dumps({**document, "version": 2}))
    ledger.refresh_sinks()
    assert "another version" in ledger.register.unusable["plain"]


def test_one_that_was_added_with_a_type_that_is_none_of_ours_is_kept(make_ledger):
    """Such types were taken once; another version may know more of them."""
    ledger = make_ledger()
    ledger.subscribers.add(replace(CRM, types=("legwork.call.done",)))
    ledger.refresh_sinks()
    assert (ledger.sinks["crm"].types, ledger.register.unusable) == (("legwork.call.done",), {})


def test_a_name_in_the_settings_is_the_settings_own(make_ledger):
    ledger = make_ledger()
    ledger.subscribers.add(SinkSpec(name="stdout", url="https://plain.example/"))
    ledger.refresh_sinks()
    assert ledger.sinks["stdout"].url == "stdout:"


def test_of_changes_at_once_none_is_lost(make_ledger):
    """Two rotations at once read the same secrets, and one handed out a secret that never signed."""
    ledgers = [make_ledger() for _ in range(4)]
    ledgers[0].subscribers.add(PLAIN)

    def put(number):
        one = ledgers[number % len(ledgers)].subscribers
        return one.change("plain", lambda spec: replace(spec, accounts=(*spec.accounts, f"acc{number}")))

    with ThreadPoolExecutor(len(ledgers)) as threads:
        assert all(threads.map(put, range(40)))
    kept = ledgers[0].subscribers.load().specs["plain"].accounts
    assert sorted(kept) == sorted(f"acc{number}" for number in range(40))


def test_what_was_removed_meanwhile_does_not_come_back(make_ledger):
    ledger = make_ledger()
    ledger.subscribers.add(PLAIN)

    def remove_it_first(spec):
        ledger.subscribers.remove("plain", now_ms=ledger.now_ms())
        return spec

    assert not ledger.subscribers.change("plain", remove_it_first)
    assert ledger.subscribers.load().specs == {}


def test_each_change_makes_another_version_and_an_old_one_is_told(make_ledger):
    """Of two people who edited the same sink, the second one undid what the first one did."""
    ledger = make_ledger()
    ledger.subscribers.add(PLAIN)
    first = ledger.subscribers.load().versions["plain"]
    assert ledger.subscribers.load().versions["plain"] == first
    assert ledger.subscribers.change("plain", lambda spec: replace(spec, concurrency=1), version=first)
    assert ledger.subscribers.load().versions["plain"] != first
    with pytest.raises(ChangedMeanwhile, match="plain was changed meanwhile"):
        ledger.subscribers.change("plain", lambda spec: replace(spec, concurrency=2), version=first)
    assert ledger.subscribers.load().specs["plain"].concurrency == 1

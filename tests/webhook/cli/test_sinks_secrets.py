"""`legwork sinks rotate-secret`: a subscriber gets a new secret, and every record verifies all the while."""

from __future__ import annotations

import pytest
from cli_kit import open_ledger
from subscribing import KEY, PRIVATE, SECRET, is_signed_with, signatures


def ping(operator, receiver):
    """The request that a test of the sink makes."""
    operator.json("test", "crm")
    return receiver.seen[-1]


def test_meanwhile_a_record_carries_both_signatures_and_then_one(operator, receiver):
    old = operator.add(receiver.url)
    new = operator.json("rotate-secret", "crm")["secret"]
    assert new != old
    seen = ping(operator, receiver)
    assert len(signatures(seen)) == 2
    assert is_signed_with(old, seen)
    assert is_signed_with(new, seen)
    assert operator.json("rotate-secret", "crm", "--finish") == {"name": "crm", "out_of_use": 1}
    seen = ping(operator, receiver)
    assert len(signatures(seen)) == 1
    assert (is_signed_with(old, seen), is_signed_with(new, seen)) == (False, True)


def test_the_newest_signs_first(operator, receiver):
    """Some subscribers look at the first signature alone."""
    operator.add(receiver.url, "--secret", SECRET)
    new = operator.json("rotate-secret", "crm")["secret"]
    seen = ping(operator, receiver)
    seen.headers.replace_header("webhook-signature", signatures(seen)[0])
    assert is_signed_with(new, seen)


def test_a_private_key_may_be_followed_by_a_shared_secret(operator, receiver):
    operator.add(receiver.url, "--secret", PRIVATE)
    operator.json("rotate-secret", "crm")
    kinds = [signature.partition(",")[0] for signature in signatures(ping(operator, receiver))]
    assert kinds == ["v1", "v1a"]


def test_people_are_shown_the_new_secret_this_once(operator, receiver):
    operator.add(receiver.url)
    text = operator.run("rotate-secret", "crm").stdout
    (new,) = [word for word in text.split() if word.startswith("whsec_")]
    assert "until `--finish`" in text
    assert is_signed_with(new, ping(operator, receiver))
    finished = operator.run("rotate-secret", "crm", "--finish").stdout
    assert finished == "Only the newest secret of crm signs now; expired: 1.\n"
    assert "whsec_" not in operator.run("list").output + operator.run("list", "--json").output


def test_the_fifth_secret_is_one_too_many(operator, receiver):
    operator.add(receiver.url)
    for _ in range(3):
        operator.json("rotate-secret", "crm")
    result = operator.run("rotate-secret", "crm")
    assert result.exit_code == 1
    assert result.stderr == "secret: has 4 already; finish the rotation before the next one\n"
    assert operator.sink()["secrets"] == 4
    assert operator.json("rotate-secret", "crm", "--finish")["out_of_use"] == 3


def test_to_finish_what_was_not_begun_changes_nothing(operator, receiver):
    secret = operator.add(receiver.url)
    assert operator.json("rotate-secret", "crm", "--finish")["out_of_use"] == 0
    assert is_signed_with(secret, ping(operator, receiver))


@pytest.mark.parametrize("form", [[], ["--finish"]])
def test_of_a_sink_of_the_settings_the_secret_is_changed_there(operator, form):
    result = operator.run("rotate-secret", "stdout", *form)
    assert result.exit_code == 1
    assert result.stderr == "stdout is defined in the settings: change its secret there, and restart\n"


def test_nothing_secret_lies_open_in_redis(operator, client):
    operator.add("https://u:hunter2@crm.example.com/?token=hunter2", "--secret", SECRET, "--header", "X-Key: hunter2")
    operator.json("rotate-secret", "crm")
    everything = b"".join(client.dump(key) for key in client.scan_iter())
    assert b"crm" in everything
    for secret in (SECRET, "whsec_", "hunter2", "crm.example.com"):
        assert secret.encode() not in everything


def test_all_else_stays_as_it_was(operator, redis_url):
    operator.add("https://crm.example.com/", "--rate", "10/s", "--filter", "data", "--header", "X-Key: k")
    before = open_ledger(redis_url, legwork_secret_key=KEY).sinks["crm"]
    operator.json("rotate-secret", "crm")
    operator.json("rotate-secret", "crm", "--finish")
    after = open_ledger(redis_url, legwork_secret_key=KEY).sinks["crm"]
    assert after.secrets != before.secrets
    assert (after.url, after.rate, after.filter, after.options) == (
        before.url,
        before.rate,
        before.filter,
        before.options,
    )

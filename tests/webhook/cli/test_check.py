from __future__ import annotations

import json

import pytest
from cli_kit import open_ledger, run, settle
from factories import ACCOUNT
from stubs import StubServer, answer, reset

from schemas.settings import SinkSpec
from worker.encryption import new_key
from worker.ledger import NEW_SECONDS
from worker.ledger.backlog import Lane

UNKNOWN_CALL = answer({"RestException": {"Status": 400, "Message": "Please check the call id sent"}}, 400)


@pytest.fixture
def exotel():
    with StubServer(UNKNOWN_CALL) as server:
        yield server


def found(redis_url, exotel, **environ):
    """What `check` finds, as {about: [(verdict, text), …]}, and its exit code."""
    variables = {"redis_url": redis_url, "exotel_base_url": exotel.url} | environ
    result = run("check", "--json", **variables)
    lines: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(result.stdout):
        lines.setdefault(finding["about"], []).append((finding["verdict"], finding["text"]))
    wrong = any(verdict == "wrong" for findings in lines.values() for verdict, _ in findings)
    assert result.exit_code == (1 if wrong else 0)
    return lines


def verdict(lines, about):
    (finding,) = lines[about]
    return finding[0]


def own_check(lines, sink):
    """What came of a sink's own check; how it stands in the ledger follows."""
    return lines[f"sink {sink}"][0][0]


@pytest.fixture
def durable(client):
    """A server that is set as Legwork wants it."""
    wanted = {"appendonly": "yes", "appendfsync": "always"}
    before = {name: client.config_get(name)[name] for name in wanted}
    for name, value in wanted.items():
        client.config_set(name, value)
    yield client
    for name, value in before.items():
        client.config_set(name, value)


def test_each_thing_has_its_line_and_all_is_well(redis_url, exotel, durable):
    ledger = open_ledger(redis_url)
    ledger.register_worker("host:1", 8)
    durable.hset("lw:ledger", "created_at", round(ledger.now_ms() - 2 * NEW_SECONDS * 1000))
    lines = found(redis_url, exotel)
    exotel_and_sink = [f"exotel {ACCOUNT}", "sink stdout"]
    assert list(lines) == ["settings", "redis", "ledger", "workers", *exotel_and_sink, f"account {ACCOUNT}"]
    assert lines[f"account {ACCOUNT}"] == [("ok", "active; no call waits")]
    assert lines["sink stdout"][1:] == [("ok", "active; no record waits")]
    assert {verdict for findings in lines.values() for verdict, _ in findings} == {"ok"}


def test_a_ledger_begun_lately_is_pointed_out_with_its_date(redis_url, exotel, durable):
    (_, (verdict, text)) = found(redis_url, exotel)["ledger"]
    assert verdict == "warning"
    assert text.startswith("new since 20")


def test_people_get_a_line_each(redis_url, exotel, durable):
    result = run("check", redis_url=redis_url, exotel_base_url=exotel.url)
    assert result.exit_code == 0
    assert all(line.split()[0] in {"ok", "warning"} for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("appendonly", "no", "wrong"),
        ("appendfsync", "everysec", "warning"),
        ("appendfsync", "no", "wrong"),
        ("maxmemory-policy", "allkeys-lru", "wrong"),
    ],
)
def test_a_redis_that_may_lose_calls_is_told_how_to_be_set(redis_url, exotel, durable, name, value, expected):
    before = durable.config_get(name)[name]
    durable.config_set(name, value)
    try:
        findings = found(redis_url, exotel)["redis"]
    finally:
        durable.config_set(name, before)
    ((judged, text),) = [finding for finding in findings if f"{name} is {value}" in finding[1]]
    assert judged == expected
    assert "set it to" in text


def test_a_server_that_hides_its_settings_is_no_reason_to_fail(redis_url, exotel, durable):
    durable.execute_command("ACL", "SETUSER", "shy", "on", ">shy-password", "~*", "&*", "+@all", "-config")
    shy = redis_url.replace("//:", "//shy:").replace(redis_url.split(":")[2].split("@")[0], "shy-password")
    try:
        findings = found(shy, exotel)["redis"]
    finally:
        durable.execute_command("ACL", "DELUSER", "shy")
    assert [judged for judged, _ in findings] == ["ok", "warning"]


def test_a_redis_out_of_reach_is_wrong_and_the_rest_is_looked_at_all_the_same(exotel):
    lines = found("redis://127.0.0.1:1/0", exotel)
    assert verdict(lines, "redis") == "wrong"
    assert verdict(lines, f"exotel {ACCOUNT}") == "warning"
    assert own_check(lines, "stdout") == "ok"
    assert not exotel.seen


def test_no_redis_at_all_is_wrong(exotel):
    assert verdict(found("", exotel), "redis") == "wrong"


def test_a_broker_of_its_own_is_tried_too(redis_url, exotel):
    assert verdict(found(redis_url, exotel, broker_url="redis://127.0.0.1:1/0"), "broker") == "wrong"


def test_a_full_redis_cannot_note_a_callback(redis_url, exotel, client):
    client.config_set("maxmemory", 1)
    try:
        assert verdict(found(redis_url, exotel), "ledger") == "wrong"
    finally:
        client.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [(answer(status=401), "wrong"), (answer(status=429), "warning"), (reset(), "wrong"), (answer(status=404), "ok")],
)
def test_credentials_are_tried_with_one_request(redis_url, exotel, reply, expected):
    exotel.then(reply)
    assert verdict(found(redis_url, exotel), f"exotel {ACCOUNT}") == expected
    assert len(exotel.seen) == 1


def test_the_request_is_one_of_the_quota(redis_url, exotel):
    found(redis_url, exotel)
    assert open_ledger(redis_url).calls[ACCOUNT].bucket.look().cooling_down == 1


def test_without_quota_nothing_is_asked(redis_url, exotel):
    bucket = open_ledger(redis_url, exotel_quota=1).calls[ACCOUNT].bucket
    bucket.take("taken")
    assert verdict(found(redis_url, exotel, exotel_quota="1"), f"exotel {ACCOUNT}") == "warning"
    assert not exotel.seen


def test_a_suspended_account_is_wrong_until_a_probe_gets_through(redis_url, exotel):
    bucket = open_ledger(redis_url).calls[ACCOUNT].bucket
    bucket.suspend("401")
    assert verdict(found(redis_url, exotel), f"exotel {ACCOUNT}") == "wrong"
    assert not exotel.seen
    bucket.resume()
    open_ledger(redis_url, suspension_probe_seconds=0.001).calls[ACCOUNT].bucket.suspend("401")
    assert verdict(found(redis_url, exotel), f"exotel {ACCOUNT}") == "ok"
    assert bucket.look().gate == "open"


@pytest.mark.parametrize("sinks", ["file:/nonexistent/records.jsonl", "kafka://host/topic"])
def test_a_sink_that_cannot_work_is_wrong(redis_url, exotel, sinks):
    lines = found(redis_url, exotel, sinks=sinks)
    assert [findings[0][0] for about, findings in lines.items() if about.startswith("sink ")] == ["wrong"]


def test_a_misspelt_setting_is_a_warning(redis_url, exotel):
    assert [judged for judged, _ in found(redis_url, exotel, exotel_qouta="3")["settings"]] == ["ok", "warning"]


def test_what_others_say_shows_no_secret(redis_url, exotel):
    exotel.then(answer({"RestException": {"Status": 401, "Message": "wrong: the-api-token"}}, 401))
    _, text = found(redis_url, exotel)[f"exotel {ACCOUNT}"][0]
    assert "wrong: ***" in text


def test_subscribers_added_at_run_time_are_tried_like_the_others(redis_url, exotel):
    key = new_key()
    ledger = open_ledger(redis_url, legwork_secret_key=key)
    with StubServer(answer(status=204)) as there:
        ledger.subscribers.add(SinkSpec(name="here", url=f"{there.url}/hook", options={"allow_private": True}))
        ledger.subscribers.add(SinkSpec(name="there", url="http://127.0.0.1:1/?token=secret-of-a-query"))
        lines = found(redis_url, exotel, legwork_secret_key=key)
    assert own_check(lines, "here") == "ok"
    assert own_check(lines, "there") == "wrong"
    assert "secret-of-a-query" not in json.dumps(lines)
    lines = found(redis_url, exotel, legwork_secret_key=new_key())
    assert lines["sink here"][0][0] == "wrong"
    assert "LEGWORK_SECRET_KEY" in lines["sink here"][0][1]


@pytest.mark.parametrize("state", ["failing", "disabled"])
def test_a_sink_to_which_nothing_goes_is_wrong_although_its_own_check_succeeds(redis_url, exotel, durable, state):
    """A sink that answered 500 to records, and 501 to OPTIONS, was ok; no exit code told a script of it."""
    ledger = open_ledger(redis_url)
    settle(ledger, "settled0001")
    if state == "disabled":
        ledger.disable_sink("stdout", "410: gone")
    else:
        while ledger.health.failed("stdout", "500: the-api-token is wrong") != "failing":
            pass
    (own, _), (judged, text) = found(redis_url, exotel)["sink stdout"]
    assert (own, judged) == ("ok", "wrong")
    assert "; 1 record waits; " in text
    assert "the-api-token" not in text
    ledger.enable_sink("stdout")
    assert found(redis_url, exotel)["sink stdout"][1] == ("ok", "active; 1 record waits")


def test_what_is_late_or_has_failed_is_a_warning(redis_url, exotel, durable):
    ledger = open_ledger(redis_url)
    settle(ledger, "dead00000001", "dead", "404")
    late = {"dead00000001/1/completed": ledger.now_ms() - 300_000}
    durable.zadd(ledger.deliveries[ACCOUNT, "stdout"].backlog.due_key(Lane.LIVE), late)
    ledger.calls[ACCOUNT].bucket.pause(80)
    lines = found(redis_url, exotel)
    assert [judged for judged, _ in lines["sink stdout"]] == ["ok", "warning"]
    assert "1 record waits, overdue by 5 min" in lines["sink stdout"][1][1]
    assert [judged for judged, _ in lines[f"account {ACCOUNT}"]] == ["warning", "warning"]
    assert lines[f"account {ACCOUNT}"][1][1].startswith("1 call failed after all retries; `legwork dead list` ")


def test_an_account_that_stays_suspended_is_wrong_with_the_reason(redis_url, exotel):
    open_ledger(redis_url).calls[ACCOUNT].bucket.suspend("402: no credit")
    ((judged, text),) = found(redis_url, exotel)[f"account {ACCOUNT}"]
    assert judged == "wrong"
    assert text.startswith("is suspended: 402: no credit; no call waits; ")

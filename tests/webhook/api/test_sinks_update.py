"""`PATCH /api/sinks/<name>`: a subscriber changes, and what waits for it stays."""

from __future__ import annotations

import pytest
from cli_kit import settle
from console_kit import PASSWORD
from stubs import StubServer, answer
from subscribing import KEY, OTHER_KEY, deliver, is_signed_with, put_off
from web_app import PROBLEM

from worker.ledger.registry.tokens import Scope, Tokens
from worker.process.embedded_redis import free_port

URL = "https://crm.example.com/hooks"
HIDDEN = "hunter2-of-crm"
ALLOWED = {"allow_private": True}


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def other_receiver():
    with StubServer(answer()) as server:
        yield server


def add(web, url=URL, **keys):
    added = web.post("/api/sinks", json={"name": "crm", "url": url, "options": ALLOWED, **keys})
    assert added.status_code == 201, added.text
    return added.json


def change(web, sink="crm", query="", headers=None, **keys):
    return web.client.patch(f"/api/sinks/{sink}{query}", json=keys, headers=headers)


def test_every_key_changes_and_null_takes_it_away(web):
    add(web)
    keys = {
        "types": ["legwork.call.completed"],
        "filter": "data.talk_seconds > `0`",
        "projection": "{sid: call_sid}",
        "rate": "10/s",
        "concurrency": 4,
    }
    changed = change(web, url="https://crm.example.com/v2", **keys)
    assert changed.status_code == 200, changed.text
    assert {name: changed.json[name] for name in keys} == keys
    assert changed.json["where"] == "https://crm.example.com/v2"
    assert changed.json == web.get("/api/sinks/crm").json
    emptied = change(web, **dict.fromkeys(keys)).json
    assert [emptied[name] for name in keys] == [[], None, None, None, None]


def test_headers_change_one_by_one_and_no_value_is_shown(web):
    add(web, options={"headers": {"X-Key": HIDDEN, "X-Tenant": "acme"}})
    changed = change(web, options={"headers": {"X-Key": f"new-{HIDDEN}", "X-Tenant": None}})
    web.ledger.refresh_sinks()
    assert web.ledger.sinks["crm"].options == {"headers": {"X-Key": f"new-{HIDDEN}"}}
    assert HIDDEN not in changed.text


def test_secret_and_counters_stay_and_what_waits_goes_to_the_new_url(web, receiver, other_receiver):
    secret = add(web, receiver.url)["secret"]
    settle(web.ledger, "before000001")
    deliver(web.ledger)
    settle(web.ledger, "waits0000001")
    put_off(web.ledger)
    changed = change(web, url=other_receiver.url).json
    assert (changed["waiting"], changed["delivered"], changed["secrets"]) == (1, 1, 1)
    web.post("/api/sinks/crm/test")
    assert not receiver.seen
    assert is_signed_with(secret, other_receiver.seen[0])
    web.post("/api/sinks/crm/retry")
    assert deliver(web.ledger) == ["waits0000001/1/completed"]


def test_another_process_knows_the_change_at_its_next_look(web, make_web):
    other = make_web(legwork_secret_key=KEY)
    add(web)
    assert other.get("/api/sinks/crm").json["rate"] is None
    change(web, rate="10/s")
    assert other.get("/api/sinks/crm").json["rate"] == "10/s"
    other.ledger.refresh_sinks()
    assert str(other.ledger.sinks["crm"].rate) == "10/s"
    assert other.ledger.rates.keys() == {"crm"}


@pytest.mark.parametrize(
    ("keys", "field", "said"),
    [
        ({"types": ["legwork.call.complete"]}, "types", "did you mean legwork.call.completed?"),
        ({"url": None}, "url", "give https://host/path"),
        ({"secret": HIDDEN}, "secret", "rotate it"),
        ({"name": "erp"}, "name", "cannot be changed"),
        ({"typo": HIDDEN}, "typo", "Unknown field"),
        ({"options": {"headers": {"Host": HIDDEN}}}, "options", "Host is set by Legwork"),
        ({"options": {"typo": 1}}, "options", "Unknown field"),
    ],
)
def test_what_is_wrong_is_told_by_field_and_changes_nothing(web, keys, field, said):
    before = add(web)
    refused = change(web, rate="10/s", **keys)
    assert (refused.status_code, refused.content_type, set(refused.json["errors"])) == (422, PROBLEM, {field})
    assert said in str(refused.json["errors"][field])
    assert HIDDEN not in refused.text
    assert web.get("/api/sinks/crm").json["version"] == before["version"]


def test_where_nobody_answers_is_refused_if_that_is_asked_for(web, receiver):
    add(web, receiver.url)
    nobody = f"http://127.0.0.1:{free_port()}/"
    refused = change(web, query="?check=true", url=nobody)
    assert refused.status_code == 422
    assert "refused" in refused.json["errors"]["url"][0]
    receiver.close()
    assert change(web, query="?check=true", rate="10/s").status_code == 200, "the URL is the same"
    assert change(web, url=nobody).status_code == 200


def test_of_two_who_change_the_same_the_second_is_told(web):
    add(web)
    tag = web.get("/api/sinks/crm").headers["ETag"]
    first = change(web, headers={"If-Match": tag}, rate="10/s")
    assert first.status_code == 200
    second = change(web, headers={"If-Match": tag}, rate="20/s")
    assert (second.status_code, second.content_type) == (412, PROBLEM)
    assert "crm was changed meanwhile" in second.json["detail"]
    assert web.get("/api/sinks/crm").json["rate"] == "10/s"
    current = first.headers["ETag"]
    for tags in (current, "*", f'"other", {current}'):
        same = change(web, headers={"If-Match": tags}, rate="10/s")
        assert (same.status_code, same.headers["ETag"]) == (200, current), "what changes nothing makes no version"


def test_a_tag_that_a_proxy_made_weak_holds(web):
    add(web)
    tag = web.get("/api/sinks/crm").headers["ETag"]
    assert change(web, headers={"If-Match": f"W/{tag}"}, rate="10/s").status_code == 200


def test_a_sink_of_the_settings_is_changed_there(web):
    refused = change(web, "stdout", rate="10/s")
    assert (refused.status_code, refused.content_type) == (409, PROBLEM)
    assert "change it in SINKS or legwork.toml" in refused.json["detail"]
    assert "ETag" not in web.get("/api/sinks/stdout").headers


def test_who_does_not_exist_or_cannot_be_decrypted_is_not_changed(web, make_web):
    add(web)
    assert change(web, "cmr", rate="10/s").status_code == 404
    refused = change(make_web(legwork_secret_key=OTHER_KEY), rate="10/s")
    assert (refused.status_code, "no key in LEGWORK_SECRET_KEY" in refused.json["detail"]) == (409, True)


def test_only_a_token_that_may_change_things_changes_it_and_that_is_logged(make_web, capsys):
    web = make_web(legwork_secret_key=KEY, console_password=PASSWORD)
    tokens, now = Tokens(web.redis), web.ledger.now_ms()
    tellers = {
        scope: {"Authorization": f"Bearer {tokens.create(scope.value, scope, now_ms=now)}"}
        for scope in (Scope.READ, Scope.OPERATE)
    }
    operator = tellers[Scope.OPERATE]
    web.client.post("/api/sinks", json={"name": "crm", "url": URL}, headers=operator)
    assert change(web, headers=tellers[Scope.READ], rate="10/s").status_code == 403
    capsys.readouterr()
    headers = {"headers": {"X-Key": HIDDEN}}
    assert change(web, headers=operator, options=headers).status_code == 200
    logged = capsys.readouterr().out
    assert ("sinks.update" in logged, "crm" in logged, "operate" in logged) == (True, True, True)
    assert HIDDEN not in logged


@pytest.mark.parametrize(("body", "status"), [("{", 400), ('"crm"', 422)])
def test_a_body_that_is_no_change_is_refused(web, body, status):
    add(web)
    assert web.client.patch("/api/sinks/crm", data=body, content_type="application/json").status_code == status
    assert web.client.patch("/api/sinks/crm", data="rate=1", content_type="text/plain").status_code == 415


def test_the_media_type_of_a_merge_patch_is_taken(web):
    add(web)
    done = web.client.patch("/api/sinks/crm", data='{"rate": "10/s"}', content_type="application/merge-patch+json")
    assert (done.status_code, done.json["rate"]) == (200, "10/s")

"""`/api/sinks`: what `legwork sinks` does, for programs elsewhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cli_kit import settle
from factories import ACCOUNT, make_settings
from stubs import answer
from subscribing import KEY, OTHER_KEY, SECRET, deliver, is_signed_with, put_off, signatures
from web_app import PROBLEM

from webhook import create_app
from worker.process.embedded_redis import free_port

URL = "https://crm.example.com/hooks"
HIDDEN = "hunter2-of-crm"
ACTIONS = ["disable", "enable", "retry", "rotate-secret", "finish-rotation", "test", "recover"]


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


def add(web, url=URL, **keys):
    """Add a subscriber that may be on loopback; what the API answers."""
    keys = {"name": "crm", "url": url, **keys}
    keys["options"] = {"allow_private": True, **keys.get("options", {})}
    return web.post("/api/sinks", json=keys)


def act(web, action, name="crm", **given):
    return web.post(f"/api/sinks/{name}/{action}", **({"json": given} if given else {}))


def ago(**length):
    return (datetime.now(UTC) - timedelta(**length)).isoformat()


# What there is


def test_the_list_has_the_sinks_of_the_settings_and_those_that_were_added(web):
    add(web)
    listed = {sink["name"]: sink for sink in web.get("/api/sinks").json}
    assert {name: sink["source"] for name, sink in listed.items()} == {"stdout": "settings", "crm": "added"}
    assert listed["crm"] == web.get("/api/sinks/crm").json


def test_one_that_no_key_decrypts_is_described_with_what_would_help(web, make_web):
    """It was in the list, and asked for by its name it was a conflict."""
    add(web)
    other = make_web(legwork_secret_key=OTHER_KEY)
    described = other.get("/api/sinks/crm")
    assert (described.status_code, described.json["state"]) == (200, "unusable")
    assert "no key in LEGWORK_SECRET_KEY decrypts it" in described.json["reason"]
    assert described.json in other.get("/api/sinks").json
    for action in ("disable", "retry", "rotate-secret", "test"):
        assert act(other, action).status_code == 409
    assert other.client.delete("/api/sinks/crm").status_code == 200


def test_what_one_process_adds_the_metrics_of_another_tell_of(web, make_web):
    """Only workers and this API looked for subscribers; the other figures knew those of the start."""
    other = make_web(legwork_secret_key=KEY)
    add(web)
    assert 'legwork_sink_state{sink="crm",state="active"} 1.0' in other.get("/metrics").text


# Adding


def test_adding_one_shows_its_secret_this_once(web, receiver):
    added = add(web, receiver.url)
    assert added.status_code == 201
    secret = added.json["secret"]
    act(web, "test")
    assert is_signed_with(secret, receiver.seen[0])
    for path in ("/api/sinks", "/api/sinks/crm", "/metrics", "/", "/openapi.json"):
        assert "whsec_" not in web.get(path).text
    assert "whsec_" not in act(web, "test").text


def test_where_nobody_answers_is_refused_if_that_is_asked_for(web, receiver):
    given = {"name": "crm", "url": f"http://127.0.0.1:{free_port()}/", "options": {"allow_private": True}}
    refused = web.post("/api/sinks?check=true", json=given)
    assert refused.status_code == 422
    assert "refused" in refused.json["errors"]["url"][0]
    assert web.get("/api/sinks/crm").status_code == 404
    assert web.post("/api/sinks?check=true", json=given | {"url": receiver.url}).status_code == 201
    assert web.post("/api/sinks?check=maybe", json=given).status_code == 422


def test_a_private_address_is_refused_with_the_option_that_allows_it(web, receiver):
    refused = web.post("/api/sinks?check=true", json={"name": "crm", "url": receiver.url})
    right = '`"allow_private": true` or `"allow_networks": "127.0.0.1"` in `options` allows it'
    assert refused.json["errors"]["url"] == [f"127.0.0.1 is a private address; {right}"]
    given = {"name": "crm", "url": receiver.url, "options": {"allow_networks": "127.0.0.1"}}
    assert web.post("/api/sinks?check=true", json=given).status_code == 201


def test_a_type_that_is_none_of_ours_is_refused_with_the_nearest(web):
    """It was taken, and the sink was active and got nothing, for ever."""
    refused = add(web, types=["legwork.call.complete"])
    assert refused.status_code == 422
    assert "did you mean legwork.call.completed?" in refused.json["errors"]["types"][0]
    assert web.get("/api/sinks/crm").status_code == 404


def test_every_type_of_the_description_is_taken(web):
    schemas = web.get("/openapi.json").json["components"]["schemas"]
    added, changed = (
        schemas[name]["properties"]["types"]["items"]["enum"] for name in ("Subscriber", "SubscriberChange")
    )
    assert add(web, types=added).json["types"] == added == changed


def test_every_key_arrives(web):
    keys = {
        "types": ["legwork.call.completed"],
        "accounts": [ACCOUNT],
        "filter": "data.talk_seconds > `0`",
        "projection": "{sid: call_sid}",
        "rate": "10/s",
        "concurrency": 4,
    }
    added = add(web, secret=SECRET, options={"headers": {"X-Key": HIDDEN}}, **keys)
    assert (added.status_code, added.json["secret"]) == (201, None)
    assert {name: added.json[name] for name in keys} == keys
    assert HIDDEN not in added.text
    web.ledger.refresh_sinks()
    spec = web.ledger.sinks["crm"]
    assert (spec.secrets, spec.options["headers"]) == ((SECRET,), {"X-Key": HIDDEN})


def test_neither_password_nor_query_of_its_url_is_shown(web):
    added = add(web, f"https://crm:{HIDDEN}@crm.example.com/hooks?token={HIDDEN}")
    assert added.json["where"] == "https://crm.example.com/hooks"
    assert HIDDEN not in added.text + web.get("/api/sinks").text


@pytest.mark.parametrize("name", ["crm", "stdout"])
def test_a_name_that_is_taken_is_a_conflict(web, name):
    add(web)
    again = add(web, "https://other.example.com/", name=name)
    assert (again.status_code, again.content_type) == (409, PROBLEM)
    assert f"there is a sink called {name}" in again.json["detail"]
    assert web.get("/api/sinks/crm").json["where"] == URL


def test_without_a_key_nothing_can_be_added_and_it_says_how_to_make_one(make_web):
    web = make_web()
    refused = add(web)
    assert (refused.status_code, refused.content_type) == (409, PROBLEM)
    assert refused.json["detail"].startswith("LEGWORK_SECRET_KEY is not set: `legwork sinks key` makes one")
    assert [sink["name"] for sink in web.get("/api/sinks").json] == ["stdout"]


@pytest.mark.parametrize(
    ("keys", "errors"),
    [
        ({"name": "NO"}, {"name": "is not a name"}),
        ({"url": "file:x"}, {"url": "is not a webhook"}),
        ({"secret": HIDDEN}, {"secret": "does not start with whsec_"}),
        ({"secret": "whsk_" + "RERE" * 21 + "RA=="}, {"secret": "holds a public key that is not"}),
        ({"accounts": ["acme9m"]}, {"accounts": "acme9m: no such account"}),
        ({"typo": HIDDEN}, {"typo": "Unknown field."}),
        ({"name": "NO", "rate": HIDDEN}, {"name": "is not a name", "rate": "is not a rate"}),
    ],
)
def test_what_is_wrong_is_told_by_field(web, keys, errors):
    refused = add(web, **keys)
    assert (refused.status_code, refused.content_type) == (422, PROBLEM)
    assert set(refused.json["errors"]) == set(errors)
    assert all(text in refused.json["errors"][field][0] for field, text in errors.items())
    assert HIDDEN not in refused.text


def test_what_is_wrong_with_an_option_is_told_by_its_name(web):
    refused = add(web, options={"headers": {"Host": HIDDEN}, "allow_private": "perhaps", "typo": 1})
    assert refused.status_code == 422
    assert set(refused.json["errors"]["options"]) == {"headers", "allow_private", "typo"}
    assert HIDDEN not in refused.text


# Removing, disabling, enabling


def test_removing_one_drops_what_waits_for_it(web):
    add(web)
    settle(web.ledger, "settled00001")
    removed = web.client.delete("/api/sinks/crm")
    assert (removed.status_code, removed.json) == (200, {"name": "crm", "dropped": 1})
    assert web.get("/api/sinks/crm").status_code == 404
    assert deliver(web.ledger, "stdout") == ["settled00001/1/completed"]


def test_one_of_the_settings_cannot_be_removed(web):
    refused = web.client.delete("/api/sinks/stdout")
    assert refused.status_code == 404
    assert "stdout is defined in the settings" in refused.json["detail"]


def test_all_that_waits_can_be_made_due_now(web):
    add(web)
    settle(web.ledger, "settled00001")
    assert put_off(web.ledger) == 1
    assert act(web, "retry").json == {"name": "crm", "brought_forward": 1}
    assert act(web, "retry").json["brought_forward"] == 0
    assert deliver(web.ledger) == ["settled00001/1/completed"]


def test_a_disabled_sink_is_not_retried(web):
    add(web)
    act(web, "disable")
    refused = act(web, "retry")
    assert (refused.status_code, refused.content_type) == (409, PROBLEM)
    assert "`legwork sinks enable crm`" in refused.json["detail"]


def test_what_waits_for_a_disabled_sink_is_kept(web):
    add(web)
    settle(web.ledger, "settled00001")
    disabled = act(web, "disable", reason="moves house").json
    assert (disabled["state"], disabled["reason"], disabled["waiting"]) == ("disabled", "moves house", 1)
    enabled = act(web, "enable").json
    assert (enabled["state"], enabled["reason"], enabled["waiting"]) == ("active", None, 1)


def test_a_reason_need_not_be_given(web):
    assert act(web, "disable", "stdout").json["reason"] == "by the operator"
    assert web.post("/api/sinks/stdout/disable", json={}).status_code == 200
    for wrong in ("", "x" * 201, 5):
        refused = act(web, "disable", "stdout", reason=wrong)
        assert (refused.status_code, set(refused.json["errors"])) == (422, {"reason"})


# Secrets


def test_while_rotating_both_secrets_sign(web, receiver):
    old = add(web, receiver.url).json["secret"]
    new = act(web, "rotate-secret").json["secret"]
    act(web, "test")
    assert is_signed_with(old, receiver.seen[0])
    assert is_signed_with(new, receiver.seen[0])
    assert act(web, "finish-rotation").json == {"name": "crm", "out_of_use": 1}
    act(web, "test")
    assert len(signatures(receiver.seen[1])) == 1
    assert is_signed_with(new, receiver.seen[1])


def test_the_fifth_secret_is_one_too_many(web):
    add(web)
    rotated = [act(web, "rotate-secret") for _ in range(4)]
    assert [answered.status_code for answered in rotated] == [200, 200, 200, 422]
    assert "has 4 already" in rotated[-1].json["errors"]["secret"][0]


def test_of_one_of_the_settings_the_secret_is_changed_there(web):
    assert "change its secret there" in act(web, "rotate-secret", "stdout").json["detail"]


# Testing


def test_a_test_tells_all_that_came_of_it(web, receiver):
    add(web, receiver.url, options={"headers": {"X-Key": HIDDEN}})
    receiver.always(answer(f"no {HIDDEN}".encode(), status=500, X_Echo=HIDDEN))
    told = act(web, "test")
    assert told.status_code == 200
    assert {name: told.json[name] for name in ("delivered", "status", "answer_body", "error")} == {
        "delivered": False,
        "status": 500,
        "answer_body": "no ***",
        "error": None,
    }
    assert told.json["answer_headers"]["X-Echo"] == told.json["request_headers"]["X-Key"] == "***"
    assert json.loads(told.json["request_body"])["type"] == "legwork.ping"
    assert HIDDEN not in told.text


def test_a_test_of_one_that_is_not_there_says_why(web, receiver):
    add(web, f"http://127.0.0.1:{free_port()}/")
    told = act(web, "test").json
    assert (told["delivered"], told["status"], told["error"]) == (False, None, "no answer: Connection refused")


def test_a_private_address_is_refused(web, receiver):
    web.post("/api/sinks", json={"name": "crm", "url": receiver.url})
    told = act(web, "test").json
    assert (told["delivered"], told["status"]) == (False, None)
    assert "127.0.0.1 is a private address" in told["error"]
    assert receiver.connections == 0


def test_one_that_is_no_webhook_looks_at_itself(web, make_web):
    told = act(web, "test", "stdout").json
    assert (told["name"], told["delivered"]) == ("stdout", True)
    assert told["check"]
    away = make_web(sinks=f"redis://127.0.0.1:{free_port()}/0")
    told = act(away, "test", "redis-127-0-0-1").json
    assert not told["delivered"]
    assert told["error"]


# Recovering


def test_what_a_sink_never_got_is_queued_once(web):
    settle(web.ledger, "before000001")
    add(web)
    settle(web.ledger, "got000000001")
    deliver(web.ledger)
    act(web, "disable")
    expected = {"name": "crm", "dry_run": True, "to_queue": 1, "queued": 0, "waiting": 0, "delivered": 1}
    assert act(web, "recover", since=ago(hours=1), dry_run=True).json == expected
    assert web.get("/api/sinks/crm").json["state"] == "disabled"
    assert act(web, "recover", since=ago(hours=1)).json == {**expected, "dry_run": False, "queued": 1}
    assert web.get("/api/sinks/crm").json["state"] == "active"
    assert deliver(web.ledger) == ["before000001/1/completed"]


def test_a_span_has_an_end(web):
    settle(web.ledger, "before000001")
    add(web)
    assert act(web, "recover", since=ago(hours=2), until=ago(hours=1)).json["to_queue"] == 0
    assert act(web, "recover", since="0001-01-01T00:00:00+14:00", until=None).json["to_queue"] == 1


@pytest.mark.parametrize(
    "span",
    [
        {"until": "2026-09-16T05:30:00Z"},
        {"since": "yesterday"},
        {"since": "2026-09-16T05:30:00"},
        {"since": 5},
        {"since": "2026-09-16T05:30:00Z", "until": "2026-09-15T05:30:00Z"},
        {"since": "2099-01-01T00:00:00Z"},
        {"since": "0001-01-01T00:00:00Z", "until": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_what_is_no_span_of_time_is_refused(web, span):
    """One that ended before it began was taken for one with nothing in it, and the sink enabled."""
    act(web, "disable", "stdout")
    refused = act(web, "recover", "stdout", **span)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["since"])
    assert web.get("/api/sinks/stdout").json["state"] == "disabled"


@pytest.mark.parametrize("wrong", [0, 1, "off", "true", None])
def test_a_dry_run_is_one_or_is_none(web, wrong):
    """`"off"` and 0 were taken for false, and all was queued."""
    refused = act(web, "recover", "stdout", since=ago(hours=1), dry_run=wrong)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["dry_run"])


# What cannot be


@pytest.mark.parametrize("name", ["cmr", "CRM", "%F0%9F%A6%80", "%00", "..%5C", "x" * 5000])
def test_a_sink_that_there_is_not_is_not_found(web, name):
    add(web)
    answers = [web.get(f"/api/sinks/{name}"), web.client.delete(f"/api/sinks/{name}")]
    answers += [
        act(web, action, name, **({"since": ago(hours=1)} if action == "recover" else {})) for action in ACTIONS
    ]
    for answered in answers:
        assert (answered.status_code, answered.content_type) == (404, PROBLEM)
        assert "there is no sink called" in answered.json["detail"]
        assert len(answered.text) < 500


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "crm/", "crm//", "/crm", "crm%2Ftest"])
def test_a_slash_is_in_no_name_and_never_a_redirect(web, name):
    add(web)
    answered = web.get(f"/api/sinks/{name}")
    assert answered.status_code == (200 if name == "crm/" else answered.status_code)
    assert answered.status_code in {200, 404, 405}
    assert "Location" not in answered.headers


@pytest.mark.parametrize("path", ["/api/sinks", "/api/sinks/crm"])
def test_a_slash_at_the_end_makes_no_difference(web, path):
    add(web)
    assert web.get(f"{path}/").json == web.get(path).json
    assert web.post("/api/sinks/crm/disable/").status_code == 200


@pytest.mark.parametrize("path", ["/api/sinks", "/api/sinks/stdout"])
def test_head_has_the_headers_and_no_body(web, path):
    head = web.client.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == web.get(path).headers["Content-Length"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/sinks", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/api/sinks/crm", {"GET", "HEAD", "OPTIONS", "PATCH", "DELETE"}),
        ("GET", "/api/sinks/crm/disable", {"OPTIONS", "POST"}),
    ],
)
def test_405_says_what_is_allowed(web, method, path, allowed):
    refused = web.client.open(path, method=method)
    assert (refused.status_code, refused.content_type) == (405, PROBLEM)
    assert set(refused.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/sinks"),
        ("GET", "/api/sinks/crm"),
        ("POST", "/api/sinks"),
        ("PATCH", "/api/sinks/crm"),
        ("DELETE", "/api/sinks/crm"),
        *(("POST", f"/api/sinks/crm/{action}") for action in ACTIONS),
    ],
)
def test_without_a_ledger_nothing_is_pretended(method, path):
    web = create_app(make_settings(legwork_secret_key=KEY)).test_client()
    body = {"since": ago(hours=1)} if path.endswith("recover") else {"name": "crm", "url": URL}
    carries = method == "PATCH" or (path.endswith(("sinks", "recover")) and method == "POST")
    if method == "PATCH":
        body = {"url": URL}
    refused = web.open(path, method=method, **({"json": body} if carries else {}))
    assert (refused.status_code, refused.content_type) == (503, PROBLEM)
    assert refused.headers["Retry-After"]

"""Tokens at the API: who gets in with one, what it is good for, and how a wrong one is refused."""

from __future__ import annotations

import pytest
from cli_kit import json_of
from console_kit import SID, admit
from web_app import PROBLEM

from worker.ledger.registry.tokens import Scope, Tokens

PASSWORD = "a long enough password"
ELSEWHERE = {"REMOTE_ADDR": "203.0.113.5"}


@pytest.fixture(params=[None, PASSWORD])
def web(request, make_web):
    """One without a password, and one with."""
    web = make_web(**({} if request.param is None else {"console_password": request.param}))
    admit(web, SID)
    return web


def make(web, scope=Scope.READ, name="grafana", *, expires_ms=None):
    return Tokens(web.redis).create(name, scope, now_ms=web.ledger.now_ms(), expires_ms=expires_ms)


def ask(web, token, method="GET", path="/api/status", **options):
    headers = {"Authorization": f"Bearer {token}", "Host": "legwork.example.com", **options.pop("headers", {})}
    return web.client.open(path, method=method, headers=headers, environ_overrides=ELSEWHERE, **options)


def test_a_token_opens_the_api_from_anywhere_with_and_without_a_password(web):
    assert ask(web, make(web)).status_code == 200


def test_one_that_reads_changes_nothing_and_is_told_what_would(web):
    refused = ask(web, make(web), "POST", "/api/sinks/stdout/disable")
    assert (refused.status_code, refused.content_type) == (403, PROBLEM)
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="operate"' in challenge
    assert web.ledger.sink_states() == {}


def test_one_that_operates_reads_too(web):
    token = make(web, Scope.OPERATE)
    assert ask(web, token).status_code == 200
    assert ask(web, token, "POST", "/api/sinks/stdout/disable").status_code == 200
    assert web.ledger.sink_states()["stdout"]["state"] == "disabled"


def test_a_search_reads_though_it_is_posted(web):
    found = ask(web, make(web), "POST", "/api/calls/search", json={"text": "+919000000001"})
    assert found.status_code == 200


@pytest.mark.parametrize("wrong", ["", "lw_wrong", "a=b", "\u00ff"])
def test_a_wrong_one_is_refused_as_rfc_6750_has_it(web, wrong):
    refused = ask(web, wrong)
    assert (refused.status_code, refused.content_type) == (401, PROBLEM)
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_a_revoked_one_opens_nothing_from_then_on(web):
    token = make(web)
    assert ask(web, token).status_code == 200
    Tokens(web.redis).revoke("grafana")
    assert ask(web, token).status_code == 401


def test_an_expired_one_is_told_so_and_is_no_guess(web):
    token = make(web, expires_ms=web.ledger.now_ms() - 1)
    refused = [ask(web, token) for _ in range(12)]
    assert {answer.status_code for answer in refused} == {401}
    assert "expired" in refused[0].json["detail"]


def test_wrong_tokens_count_as_wrong_passwords_do_and_a_right_one_is_listened_to_all_the_same(make_web):
    web = make_web(console_password=PASSWORD)
    token = make(web)
    assert [ask(web, "lw_wrong").status_code for _ in range(11)] == [401] * 10 + [429]
    by_password = web.get("/api/status", auth=("me", PASSWORD), environ_overrides=ELSEWHERE)
    assert by_password.status_code == 429
    assert ask(web, token).status_code == 200


def test_a_token_opens_no_page_of_the_console(make_web):
    web = make_web(console_password=PASSWORD)
    assert ask(web, make(web, Scope.OPERATE), path="/calls").status_code == 401


def test_whoever_brings_nothing_is_told_of_both_ways(make_web):
    refused = make_web(console_password=PASSWORD).get("/api/status")
    assert refused.status_code == 401
    assert [way.split()[0] for way in refused.headers.getlist("WWW-Authenticate")] == ["Basic", "Bearer"]
    assert "Authorization: Bearer lw_" in refused.json["detail"]
    assert "CONSOLE_PASSWORD" in refused.json["detail"]


def test_a_wrong_password_is_told_so(make_web):
    refused = make_web(console_password=PASSWORD).get("/api/status", auth=("me", "wrong"))
    assert (refused.status_code, refused.json["detail"]) == (401, "The password is wrong.")


def test_a_session_of_the_console_does_not_open_the_api(make_web):
    from console_kit import Person

    web = make_web(console_password=PASSWORD)
    person = Person(web)
    person.sign_in()
    assert person.read("/calls").status_code == 200
    assert person.read("/api/status").status_code == 401


def test_what_redis_holds_does_not_let_anybody_in(web):
    token = make(web)
    ask(web, token)
    stored = b" ".join(part for key in web.redis.keys("lw:token*") for part in web.redis.hvals(key)).decode()
    assert token not in stored
    assert token.removeprefix("lw_") not in stored


def test_a_ledger_out_of_reach_is_a_503_and_no_wrong_token():
    from factories import make_settings

    from webhook import create_app

    web = create_app(make_settings()).test_client()
    assert web.get("/api/status", headers={"Authorization": "Bearer lw_x"}).status_code == 503


def test_the_use_of_a_token_can_be_seen(web, redis_url):
    token = make(web)
    assert json_of("token", "list", redis_url=redis_url)[0]["last_used"] is None
    ask(web, token)
    assert json_of("token", "list", redis_url=redis_url)[0]["last_used"] is not None

"""Who may use the API: an operator at this machine, or one with the password; and no page of anybody else's."""

from __future__ import annotations

import pytest
from subscribing import KEY

PASSWORD = "a long enough password"
SINK = {"name": "crm", "url": "https://crm.example.com/hooks"}


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def locked(make_web):
    """One with a password."""
    return make_web(legwork_secret_key=KEY, console_password=PASSWORD)


def names(web):
    return [name.decode() for name in web.redis.hkeys("lw:subscribers")]


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "legwork.localhost"])
def test_without_a_password_this_machine_gets_in(web, host):
    assert web.get("/api/sinks", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.5", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", {"Host": "rebound.example.com"}),
        ("127.0.0.1", {"Host": "localhost.example.com"}),
        ("127.0.0.1", {"Host": "192.0.2.1"}),
        ("127.0.0.1", {"Host": "[::1"}),
        ("127.0.0.1", {"Host": "[v1.x]"}),
    ],
)
def test_without_a_password_nobody_else_learns_that_it_is_there(web, address, headers):
    """A name that a stranger's DNS leads here is how his page would get in."""
    elsewhere = {"REMOTE_ADDR": address}
    asked = web.get("/api/sinks", environ_overrides=elsewhere, headers=headers)
    unknown = web.get("/api/nothing", environ_overrides=elsewhere, headers=headers)
    assert (asked.status_code, asked.json) == (404, unknown.json)
    assert web.post("/api/sinks", json=SINK, environ_overrides=elsewhere, headers=headers).status_code == 404
    assert names(web) == []


def test_a_proxy_that_tells_nothing_of_the_client_is_known_by_its_old_ways(web):
    """nginx with a bare `proxy_pass http://127.0.0.1:8000`: whoever came by it seemed to sit here."""
    old = {"SERVER_PROTOCOL": "HTTP/1.0", "REMOTE_ADDR": "127.0.0.1"}
    assert web.get("/api/sinks", environ_overrides=old, headers={"Host": "127.0.0.1:8000"}).status_code == 404


@pytest.mark.parametrize(
    ("proxies", "seen", "gets_in"),
    [
        (1, None, True),
        (1, "127.0.0.1", True),
        (1, "203.0.113.5", False),
        (1, "127.0.0.1, 203.0.113.5", False),
        (1, '", 203.0.113.5', False),
        (1, 'a"b, 203.0.113.5', False),
        (1, '127.0.0.1, "203.0.113.5', False),
        (1, "", False),
        (1, ",", False),
        (2, "203.0.113.5", False),
        (2, "127.0.0.1, 203.0.113.5", False),
        (2, "127.0.0.1, 127.0.0.1", True),
    ],
)
def test_behind_trusted_proxies_too_only_this_machine_gets_in(make_web, proxies, seen, gets_in):
    """A header that nobody could make anything of left the proxy's own address standing, which is this machine's."""
    web = make_web(trusted_proxies=proxies)
    headers = {"Host": "localhost"} | ({} if seen is None else {"X-Forwarded-For": seen})
    answer = web.get("/api/sinks", environ_overrides={"REMOTE_ADDR": "127.0.0.1"}, headers=headers)
    assert answer.status_code == (200 if gets_in else 404)


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic", "Basic !!!", "Basic //8=", "Basic bWU6d3Jvbmc=", "Basic bWU="],
)
def test_with_a_password_it_asks_for_it(locked, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    for refused in (
        locked.get("/api/sinks", headers=headers),
        locked.post("/api/sinks", json=SINK, headers=headers),
    ):
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    assert names(locked) == []


def test_with_the_password_anybody_gets_in_from_anywhere(locked):
    options = {"auth": ("me", PASSWORD), "environ_overrides": {"REMOTE_ADDR": "203.0.113.5"}}
    assert locked.post("/api/sinks", json=SINK, headers={"Host": "legwork.example.com"}, **options).status_code == 201
    assert locked.get("/api/sinks/crm", **options).status_code == 200


OTHERS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:9000"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": "localhost"},
]


@pytest.mark.parametrize("headers", OTHERS)
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_page_of_another_site_changes_nothing(web, locked, headers, password):
    """Browsers send the password along, or come from this machine. An Origin that is none was a bug of ours."""
    asked = locked if password else web
    options = {"auth": ("me", password)} if password else {}
    for method, path in (("POST", "/api/sinks"), ("DELETE", "/api/sinks/crm"), ("POST", "/api/sinks/stdout/disable")):
        refused = asked.client.open(path, method=method, headers=headers, **options)
        assert (refused.status_code, refused.json["status"]) == (403, 403)
    assert asked.get("/api/sinks", headers=headers, **options).json[0]["state"] == "active"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}],
)
def test_a_page_of_ours_and_a_program_may(web, headers):
    assert web.post("/api/sinks", json=SINK, headers=headers).status_code == 201

"""A request as ASGI has it becomes an environ of WSGI."""

from __future__ import annotations

import pytest
from asgi_kit import SCOPE

from webhook.http.proxies import BehindProxies
from webhook.serving.environ import environ_of

FORGED, SEEN = b"198.51.100.9", b"203.0.113.7"


def environ_with(*headers):
    asked = {"raw_path": b"/callbacks/%C3%A9", "client": ("10.0.0.1", 1), "headers": list(headers)}
    return environ_of({**SCOPE, **asked})


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-forwarded-for", SEEN), (b"x_forwarded_for", FORGED)],
        [(b"x_forwarded_for", FORGED), (b"x-forwarded-for", SEEN)],
        [(b"x-forwarded-for", SEEN), (b"x-forwarded_for", FORGED)],
    ],
    ids=["behind", "before", "half"],
)
def test_a_header_with_an_underscore_forges_no_address(headers):
    """No proxy knows it, so it comes through; in an environ both have the same name."""
    asked = []

    def app(environ, _start_response):
        asked.append(environ["REMOTE_ADDR"])
        return []

    BehindProxies(app, 1)(environ_with(*headers), None)
    assert asked == [SEEN.decode()]


def test_a_header_that_comes_twice_is_one_list():
    environ = environ_with((b"accept", b"a/b"), (b"accept", b"c/d"), (b"cookie", b"a=1"), (b"cookie", b"b=2"))
    assert (environ["HTTP_ACCEPT"], environ["HTTP_COOKIE"]) == ("a/b,c/d", "a=1;b=2")


def test_text_of_the_wire_is_latin_1():
    environ = environ_with((b"x-name", b"\xc3\xa9"))
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/callbacks/\u00e9"
    assert environ["HTTP_X_NAME"].encode("latin-1").decode() == "\u00e9"

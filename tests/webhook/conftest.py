"""The web, with the tests' Redis behind it."""

from __future__ import annotations

import pytest
from stubs import StubServer, answer
from subscribing import Operator
from web_app import WebApp


@pytest.fixture
def make_web(redis_url):
    webs = []

    def make(url=redis_url, **variables):
        webs.append(WebApp(url, **variables))
        return webs[-1]

    yield make
    for web in webs:
        web.close()


@pytest.fixture
def web(make_web):
    return make_web()


@pytest.fixture
def operator(redis_url):
    return Operator(redis_url)


@pytest.fixture
def receiver():
    """A subscriber that takes everything."""
    with StubServer(answer()) as server:
        yield server


@pytest.fixture
def echo():
    """A receiver that refuses records, and repeats all that it was sent."""

    def repeated(seen):
        return answer(
            {"you_sent": seen.target, "headers": dict(seen.headers)}, 500, X_Seen=seen.headers["Authorization"] or ""
        )

    with StubServer() as server:
        server.choose(repeated)
        yield server

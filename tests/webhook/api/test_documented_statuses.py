"""Every status that is answered stands in the OpenAPI document, those that no view gives too."""

from __future__ import annotations

import asyncio

import pytest
from asgi_kit import SCOPE, Connection, Endless, HurriedLoop, Slow
from console_kit import PASSWORD
from processes import until
from web_app import STATUS

from webhook.callbacks.senders import known_senders
from webhook.serving.adapter import Adapter

FORM, JSON = b"application/x-www-form-urlencoded", b"application/json"
BASIC = (b"authorization", b"Basic YW55Ym9keTphIGxvbmcgZW5vdWdoIHBhc3N3b3Jk")


class Whole(Connection):
    """A peer that sends a body in one piece."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    async def receive(self):
        return {"type": "http.request", "body": self.body}


@pytest.fixture
def web(make_web):
    return make_web(console_password=PASSWORD)


@pytest.fixture
def status_of(web):
    """The status of an answer by the adapter, as `legwork web` serves it."""

    def ask(connection, method, path, kind, *headers):
        adapter = Adapter(web.app, 1, known_senders(web.settings))
        told = [(b"host", b"localhost"), (b"content-type", kind), (b"transfer-encoding", b"chunked"), *headers]
        scope = {**SCOPE, "method": method.upper(), "raw_path": path.encode(), "headers": told}
        with asyncio.Runner(loop_factory=HurriedLoop) as runner:
            runner.run(adapter(scope, connection.receive, connection))
        return str(connection.said[0]["status"])

    return ask


@pytest.fixture
def documented(web):
    def statuses(method, path):
        return set(web.get("/openapi.json").json["paths"][path][method]["responses"])

    return statuses


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_callback_is_answered_with_the_documented_statuses_and_with_all_of_them(
    status_of, documented, client, method
):
    good, packed = b"CallSid=abcdefgh1234", (b"content-encoding", b"br")
    wrong = "/callbacks/wrong-callback-token/status"
    answered = {
        status_of(Whole(good), method, STATUS, FORM),
        status_of(Whole(b"CallSid=short"), method, STATUS, FORM),
        status_of(Whole(good), method, wrong, FORM),
        status_of(Slow(), method, STATUS, FORM),
        status_of(Endless(), method, STATUS, FORM),
        status_of(Whole(good), method, STATUS, FORM, packed),
    }
    client.hset("lw:ledger", "schema", 99)
    until(lambda: status_of(Whole(good), method, STATUS, FORM) == "503")
    assert answered == {"200", "400", "404", "408", "413", "415"}
    assert documented(method, "/callbacks/{token}/status") == answered | {"503"}


def test_each_way_to_refuse_the_body_of_an_operation_is_documented(status_of, documented):
    path = "/api/calls/search"
    answered = {
        status_of(Whole(b"{"), "post", path, JSON, BASIC),
        status_of(Slow(), "post", path, JSON, BASIC),
        status_of(Endless(), "post", path, JSON, BASIC),
        status_of(Whole(b"{}"), "post", path, FORM, BASIC),
        status_of(Whole(b"{}"), "post", path, JSON, BASIC),
    }
    assert answered == {"400", "408", "413", "415", "422"}
    assert answered <= documented("post", path)

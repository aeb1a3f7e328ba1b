"""One exchange with a subscriber, told whole; and what of a bad answer goes along with the failure."""

from __future__ import annotations

import threading
import time
from dataclasses import FrozenInstanceError

import orjson
import pytest
from sink_contract import SECRET, record, sink_spec
from standardwebhooks import Webhook
from stubs import StubServer, answer, chunked, cut_off, held, last, reset

from worker.errors import PermanentFailure, TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import exchange as exchange_module
from worker.sinks import sink_for
from worker.sinks.exchange import TIMEOUT_SECONDS


@pytest.fixture
def subscriber():
    with StubServer(answer()) as server:
        yield server


def sink_to(url, *, secrets=(), **options):
    return sink_for(sink_spec(url, secrets=secrets, allow_private=True, **options))


@pytest.fixture
def sink(subscriber):
    sink = sink_to(subscriber.url + "/hooks/calls")
    yield sink
    sink.close()


# The whole of it


def test_it_tells_what_was_sent_and_what_came_back(subscriber):
    subscriber.always(answer(b"thank you", 202, X_Request_Id="r-1"))
    sink = sink_to(f"{subscriber.url}/hooks?tenant=acme&allow_private=true", secrets=[SECRET])
    exchange = sink.exchange(record())
    sink.close()
    (seen,) = subscriber.seen
    assert (exchange.method, exchange.url) == ("POST", f"{subscriber.url}/hooks?tenant=acme")
    assert exchange.request_body.encode() == seen.body
    assert orjson.loads(exchange.request_body) == record()
    names = set(seen.headers) - {"Host"}
    assert {name: exchange.request_headers[name] for name in names} == {name: seen.headers[name] for name in names}
    Webhook(SECRET).verify(exchange.request_body, dict(exchange.request_headers))
    assert (exchange.status, exchange.answer_body, exchange.error) == (202, "thank you", None)
    assert exchange.answer_headers["x-request-id"] == "r-1"
    assert 0 < exchange.seconds < 10
    with pytest.raises(FrozenInstanceError):
        exchange.status = 500


def test_secrets_of_what_was_sent_are_masked_and_the_signature_is_not(subscriber):
    url = subscriber.url.replace("//", "//user:pass-word-1@")
    sink = sink_to(url, secrets=[SECRET], headers={"X-Api-Key": "very-secret", "X-Tenant": "hidden-too"})
    exchange = sink.exchange(record())
    sink.close()
    (seen,) = subscriber.seen
    assert (seen.headers["X-Api-Key"], seen.headers["X-Tenant"]) == ("very-secret", "hidden-too")
    assert seen.headers["Authorization"].startswith("Basic ")
    assert exchange.url == subscriber.url.replace("//", "//***@")
    shown = exchange.request_headers
    assert (shown["X-Api-Key"], shown["X-Tenant"], shown["Authorization"]) == ("***", "***", "***")
    assert shown["webhook-signature"] == seen.headers["webhook-signature"]
    told = repr(exchange)
    assert not [word for word in ("pass-word-1", "very-secret", "hidden-too", SECRET, "Basic ") if word in told]


@pytest.mark.parametrize("status", [302, 400, 404, 410, 429, 500, 503])
def test_no_status_is_raised(sink, subscriber, status):
    subscriber.always(answer(b"no", status, Location="/elsewhere"))
    exchange = sink.exchange(record())
    assert (exchange.status, exchange.answer_body, exchange.error) == (status, "no", None)
    assert subscriber.targets == ["/hooks/calls"]


def test_of_a_long_answer_the_first_2_kib_are_told(sink, subscriber):
    subscriber.always(answer("é".encode() * 5000))
    assert sink.exchange(record()).answer_body == "é" * 1024


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (answer(b"caf\xe9\x00"), "caf\ufffd\x00"),
        (chunked(b"in ", b"pieces"), "in pieces"),
        (cut_off(b"tha", promised=9), "tha"),
        (last(answer(b"bye", Connection="close")), "bye"),
    ],
    ids=["no utf-8", "chunks", "cut off", "closed"],
)
def test_whatever_the_body_is_the_status_is_told(sink, subscriber, reply, body):
    subscriber.always(reply)
    exchange = sink.exchange(record())
    assert (exchange.status, exchange.answer_body, exchange.error) == (200, body, None)


def test_where_there_is_no_answer_it_tells_why(sink, subscriber):
    subscriber.always(reset())
    exchange = sink.exchange(record())
    assert (exchange.status, exchange.answer_body, dict(exchange.answer_headers)) == (None, "", {})
    assert exchange.error.startswith("no answer: ")
    assert exchange.request_headers["webhook-id"] == record()["id"]
    nobody = sink_to(f"http://127.0.0.1:{free_port()}/")
    assert nobody.exchange(record()).error == "no answer: Connection refused"
    private = sink_for(sink_spec(subscriber.url))
    assert "127.0.0.1 is a private address" in private.exchange(record()).error


def test_what_cannot_be_sent_at_all_is_told_too():
    exchange = sink_to("http://*.example.com/").exchange(record())
    assert (exchange.status, exchange.error) == (None, "no answer: InvalidURL")
    assert exchange.request_headers["webhook-id"] == record()["id"]


def test_send_says_the_same_as_the_exchange(sink, subscriber):
    subscriber.then(reset(), reset())
    error = sink.exchange(record()).error
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    assert str(caught.value) == error


# How it is sent


def test_two_records_go_by_one_connection(sink, subscriber):
    subscriber.always(answer(b"x" * 60_000))
    for number in range(2):
        assert sink.send([record(number)]) == "200"
    assert subscriber.connections == 1
    assert len(subscriber.seen) == 2


def test_each_thread_has_a_connection_of_its_own(sink, subscriber):
    threads = [threading.Thread(target=sink.send, args=([record()],)) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert subscriber.connections == 2


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
def test_of_an_endless_answer_64_kib_are_read(sink, subscriber, status):
    """A redirect that nobody follows was once read to its end by the library, however far that was."""
    written = []

    def endless(connection):
        connection.sendall(f"HTTP/1.1 {status}\r\nLocation: /\r\nContent-Length: 1000000000\r\n\r\n".encode())
        while len(written) < 2000:
            connection.sendall(b"x" * 65_536)
            written.append(1)

    subscriber.then(last(endless))
    assert sink.exchange(record()).answer_body == "x" * 2048
    assert sink.send([record()]) == "200", "by another connection"
    assert len(written) < 1000, "no more than the machine's buffers hold"


def test_cookies_are_not_kept(sink, subscriber):
    subscriber.always(answer(Set_Cookie="session=1; Path=/"))
    for _ in range(2):
        sink.send([record()])
    assert "Cookie" not in subscriber.seen[1].headers


def test_a_subscriber_that_does_not_answer_is_left_after_the_time_out(sink, subscriber, monkeypatch):
    assert TIMEOUT_SECONDS == 15, "as the contract says"
    monkeypatch.setattr(exchange_module, "TIMEOUT_SECONDS", 0.2)
    gate = threading.Event()
    subscriber.always(held(gate, answer()))
    with pytest.raises(TemporaryFailure, match=r"^no answer within 0\.2 s$"):
        sink.send([record()])
    gate.set()


# What goes along with a failure


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_the_failure_carries_what_the_subscriber_said(sink, subscriber, status):
    subscriber.always(answer("nö".encode() + b"\xff" + b"x" * 5000, status, Location="/"))
    before = time.time() * 1000
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    said = caught.value.answer
    assert (said.status, said.body) == (status, "nö\ufffd" + "x" * 2044)
    assert before <= said.at <= time.time() * 1000


def test_where_nothing_was_said_there_is_nothing_to_carry(sink, subscriber):
    subscriber.always(reset())
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    assert caught.value.answer is None
    assert TemporaryFailure("x").answer is PermanentFailure("x").answer is None

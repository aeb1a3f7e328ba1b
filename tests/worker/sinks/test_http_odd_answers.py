"""What counts of a subscriber's answer is its status line, whatever follows it; and never that of another request.

An answer of 200 with two Content-Lengths, with `charset` and no value, with a chunk that was none or with a connection that
was reset in its headers made the HTTP library raise: the record had been taken, and was sent again, nine times and more.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_answers import NO_STATUS_LINE, RESTS, STATUS_LINES, saying
from sink_contract import record, sink_spec
from stubs import StubServer, reset

from worker.errors import SinkGone, TemporaryFailure
from worker.sinks import exchange as exchange_module
from worker.sinks import sink_for


@pytest.fixture(scope="module")
def subscriber():
    with StubServer() as server:
        yield server


@pytest.fixture
def sink(subscriber):
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    yield sink
    sink.close()


@pytest.fixture
def short_time(monkeypatch):
    """Where the other side goes on without saying anything, the time for an answer has to be over."""
    monkeypatch.setattr(exchange_module, "TIMEOUT_SECONDS", 0.5)


@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_200_is_delivered_whatever_follows(sink, subscriber, rest):
    subscriber.then(saying(b"HTTP/1.1 200 OK\r\n" + rest))
    assert sink.send([record()]) == "200"


@pytest.mark.usefixtures("short_time")
@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_and_if_the_rest_is_waited_for_in_vain(sink, subscriber, rest):
    subscriber.then(saying(b"HTTP/1.1 200 OK\r\n" + rest, then="kept"))
    assert sink.send([record()]) == "200"


@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_and_if_the_connection_is_reset(sink, subscriber, rest):
    subscriber.then(reset(after=b"HTTP/1.1 200 OK\r\n" + rest))
    assert sink.send([record()]) == "200"


@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_410_is_the_end_whatever_follows(sink, subscriber, rest):
    subscriber.then(saying(b"HTTP/1.1 410 Gone\r\n" + rest))
    with pytest.raises(SinkGone):
        sink.send([record()])


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"503 Service Unavailable"])
@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_what_it_asks_for_is_heeded_whatever_follows(sink, subscriber, rest, status):
    subscriber.then(saying(b"HTTP/1.1 " + status + b"\r\nRetry-After: 77\r\nX-Next: 1\r\n" + rest))
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    assert caught.value.retry_after == 77
    assert str(caught.value) == status[:3].decode()
    assert caught.value.answer.status == int(status[:3])


@pytest.mark.parametrize("whole", STATUS_LINES.values(), ids=STATUS_LINES.keys())
def test_a_status_line_is_read_as_it_is_meant(sink, subscriber, whole):
    subscriber.then(saying(whole))
    assert sink.send([record()]).startswith("2")


@pytest.mark.parametrize("end", [saying, lambda nothing: reset(after=nothing)], ids=["close", "reset"])
@pytest.mark.parametrize("nothing", NO_STATUS_LINE.values(), ids=NO_STATUS_LINE.keys())
def test_without_a_status_line_there_is_no_answer(sink, subscriber, nothing, end):
    subscriber.then(end(nothing))
    with pytest.raises(TemporaryFailure, match=r"^no answer"):
        sink.send([record()])


def test_a_test_of_the_sink_shows_what_came(sink, subscriber):
    subscriber.then(saying(b"HTTP/1.1 200 OK\r\n", RESTS["two lengths that differ"]))
    exchange = sink.exchange(record())
    assert (exchange.answer_headers["content-length"], exchange.answer_body) == ("2, 7", "ok")


# A header that comes twice


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["Retry-After: 5", "Retry-After: 120"], 120),
        (["Retry-After: 120", "retry-after: 5"], 120),
        (["Retry-After: 5, 120"], 120),
        (["Retry-After: soon", "Retry-After: 120"], 120),
        (["Retry-After: soon, 120"], 120),
        (["Retry-After: 120", "Retry-After: -5"], 120),
        (["Retry-After: 1.5", "Retry-After: 0"], 1.5),
        (["Date: Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After: Wed, 21 Oct 2026 07:30:00 GMT", "Retry-After: 5"], 120),
        (["Date: Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After: 5, Wed, 21 Oct 2026 07:30:00 GMT, 7"], 120),
        (
            [
                "Date: Wed, 21 Oct 2026 07:29:00 GMT",
                "Date: Wed, 21 Oct 2026 07:28:00 GMT",
                "Retry-After: Wednesday, 21-Oct-26 07:30:00 GMT",
            ],
            120,
        ),
        (["Retry-After: 99999999999"], 86_400),
        (["Retry-After: -5"], None),
        (["Retry-After: soon"], None),
        (["Retry-After: , ,"], None),
        (["Retry-After:"], None),
    ],
)
def test_the_longest_wait_counts_and_what_is_none_is_absent(sink, subscriber, headers, seconds):
    """Two lines of Retry-After became `5, 120` and then nothing at all: the subscriber was asked again in five seconds."""
    head = "\r\n".join(["HTTP/1.1 503 Busy", *headers, "Content-Length: 0", "", ""])
    subscriber.then(saying(head.encode()))
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    assert caught.value.retry_after == seconds


# Whatever else there is

LINES = st.one_of(
    st.sampled_from([f"{rest.decode('latin-1')}" for rest in RESTS.values() if len(rest) < 1000]).map(str.encode),
    st.binary(max_size=40).map(lambda junk: junk + b"\r\n"),
    st.builds(
        lambda name, value: name + b": " + value + b"\r\n",
        st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Connection", b"Content-Type"]),
        st.sampled_from([b"0", b"2", b"7", b"chunked", b"gzip", b"close", b"keep-alive", b";charset"])
        | st.binary(max_size=9),
    ),
)


@given(st.lists(LINES, max_size=6).map(b"".join), st.binary(max_size=60), st.sampled_from([200, 204, 299, 410, 500]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_headers_and_bodies_of_any_kind(sink, subscriber, head, body, status):
    sink.close()  # or a request might cross the end of the connection before
    subscriber.then(saying(f"HTTP/1.1 {status} X\r\n".encode() + head + b"\r\n" + body))
    exchange = sink.exchange(record())
    assert (exchange.status, exchange.error) == (status, None)

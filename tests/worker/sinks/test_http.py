"""Webhook sinks, against a subscriber on loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import version

import orjson
import pytest
from factories import make_settings
from sink_contract import SECRET, SinkContract, record, sink_spec
from standardwebhooks import Webhook
from stubs import StubServer, answer, cut_off, last, late, reset

from worker.errors import LegworkError, SinkGone, TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import open_sinks, sink_for

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def subscriber():
    with StubServer(answer()) as server:
        yield server


def sink_to(url, *, secrets=(), **options):
    return sink_for(sink_spec(url, secrets=secrets, **{"allow_private": True, **options}))


@pytest.fixture
def sink(subscriber):
    sink = sink_to(subscriber.url + "/hooks/calls")
    yield sink
    sink.close()


class TestHttpSink(SinkContract):
    @pytest.fixture
    def arrived(self, subscriber):
        return lambda: [orjson.loads(seen.body) for seen in subscriber.seen if seen.method == "POST"]

    @pytest.fixture
    def unreachable(self):
        return sink_to(f"http://127.0.0.1:{free_port()}")


# What is sent


def test_a_record_is_one_post_of_a_cloud_event(sink, subscriber):
    sink.send([record()])
    (seen,) = subscriber.seen
    assert (seen.method, seen.target) == ("POST", "/hooks/calls")
    assert seen.headers["Content-Type"] == "application/cloudevents+json"
    assert seen.headers["User-Agent"] == f"legwork/{version('legwork')}"
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    assert orjson.loads(seen.body) == record()


def test_the_headers_say_which_record_it_is_and_when_this_attempt_was_made(sink, subscriber):
    sink.send([record()])
    (seen,) = subscriber.seen
    assert seen.headers["webhook-id"] == record()["id"]
    assert abs(int(seen.headers["webhook-timestamp"]) - time.time()) < 10
    assert "." not in seen.headers["webhook-id"]


def test_without_a_secret_nothing_is_signed(sink, subscriber):
    sink.send([record()])
    assert "webhook-signature" not in subscriber.seen[0].headers


def test_our_options_are_taken_off_the_url_and_the_rest_goes_along_as_it_is(subscriber):
    query = "key=a%2Fb,c&allow_private=true&empty=&bare&key=2%20+x"
    sink = sink_for(sink_spec(f"{subscriber.url}/hooks?{query}"))
    sink.send([record()])
    sink.close()
    assert subscriber.targets == ["/hooks?key=a%2Fb,c&empty=&bare&key=2%20+x"]


def test_a_url_of_nothing_but_our_options_has_no_query(subscriber):
    sink = sink_for(sink_spec(f"{subscriber.url}/hooks?allow_private=1"))
    sink.send([record()])
    sink.close()
    assert subscriber.targets == ["/hooks"]


def test_a_connection_is_used_again(sink, subscriber):
    subscriber.always(answer(b"thank you"))
    for _ in range(3):
        sink.send([record()])
    assert subscriber.connections == 1


# Signatures, by the specification of Standard Webhooks


def signature(secret, message_id, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "published"),
    [
        (
            SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            OTHER_SECRET,
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            SECRET,
            "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
            1674087231,
            b'{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":{"id":"%b"}}'
            % b"1f81eb52-5198-4599-803e-771906343485",
            "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=",
        ),
    ],
)
def test_these_tests_sign_as_the_published_vectors_do(secret, message_id, timestamp, body, published):
    assert signature(secret, message_id, timestamp, body) == published


def test_the_signature_is_over_the_exact_bytes(subscriber):
    sink = sink_to(subscriber.url, secrets=[SECRET])
    for number in range(3):
        sink.send([record(number, name="नमस्ते", note="\u2028")])
    sink.close()
    for seen in subscriber.seen:
        signed = (seen.headers["webhook-id"], seen.headers["webhook-timestamp"], seen.body)
        assert seen.headers["webhook-signature"] == signature(SECRET, *signed)
        Webhook(SECRET).verify(seen.body, dict(seen.headers))


def test_while_rotating_both_secrets_sign(subscriber):
    sink = sink_to(subscriber.url, secrets=[SECRET, OTHER_SECRET])
    sink.send([record()])
    sink.close()
    (seen,) = subscriber.seen
    signed = (seen.headers["webhook-id"], seen.headers["webhook-timestamp"], seen.body)
    assert seen.headers["webhook-signature"].split() == [signature(key, *signed) for key in (SECRET, OTHER_SECRET)]
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret).verify(seen.body, dict(seen.headers))


def test_the_secret_of_the_settings_signs_the_webhooks_of_the_settings(subscriber):
    settings = make_settings(sinks=f"{subscriber.url}?allow_private=true", sink_secret=f"{SECRET} {OTHER_SECRET}")
    (sink,) = open_sinks(settings).values()
    sink.send([record()])
    sink.close()
    assert len(subscriber.seen[0].headers["webhook-signature"].split()) == 2


# What the answer means


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_delivered(sink, subscriber, status):
    subscriber.always(answer(status=status) if status != 299 else last(strange_success))
    assert sink.send([record()]) == str(status)


def strange_success(connection):
    connection.sendall(b"HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504])
def test_anything_else_is_tried_again(sink, subscriber, status):
    subscriber.always(answer(b"no", status))
    with pytest.raises(TemporaryFailure, match=f"^{status}$") as caught:
        sink.send([record()])
    assert caught.value.retry_after is None


def test_410_is_no_failure_of_the_record_but_the_end_of_the_sink(sink, subscriber):
    subscriber.always(answer(status=410))
    with pytest.raises(SinkGone):
        sink.send([record()])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(sink, subscriber, status):
    with StubServer(answer()) as elsewhere:
        subscriber.always(answer(status=status, Location=elsewhere.url))
        with pytest.raises(TemporaryFailure, match="redirects are not followed"):
            sink.send([record()])
        assert elsewhere.seen == []


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [0, 120, 7200])
def test_retry_after_is_honoured_in_both_forms(sink, subscriber, status, seconds):
    then = datetime(2026, 1, 1, tzinfo=UTC)
    date = format_datetime(then + timedelta(seconds=seconds), usegmt=True)
    subscriber.then(
        answer(status=status, **{"Retry-After": str(seconds)}),
        answer(status=status, **{"Retry-After": date, "Date": format_datetime(then, usegmt=True)}),
    )
    for _ in range(2):
        with pytest.raises(TemporaryFailure) as caught:
            sink.send([record()])
        assert caught.value.retry_after == seconds


def test_a_retry_after_of_months_silences_nobody_for_months(sink, subscriber):
    subscriber.always(answer(status=503, **{"Retry-After": "99999999"}))
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    assert caught.value.retry_after == 86_400


@pytest.mark.parametrize(
    "reply",
    [
        cut_off(b"tha", promised=9),
        reset(after=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nthank"),
        reset(after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"),
        answer(b"thank you", Content_Encoding="gzip"),
        answer(b"x" * 10**6),
    ],
    ids=["cut off", "reset", "broken chunk", "no gzip", "long"],
)
def test_once_the_status_has_come_nothing_in_the_body_matters(sink, subscriber, reply):
    subscriber.then(reply)
    assert sink.send([record()]) == "200"
    assert sink.send([record()]) == "200", "and the next record finds a way"


@pytest.mark.parametrize("reply", [reset(), last(lambda connection: connection.sendall(b"hello\r\n\r\n"))])
def test_no_answer_is_tried_again(sink, subscriber, reply):
    subscriber.always(reply)
    with pytest.raises(TemporaryFailure, match="no answer"):
        sink.send([record()])
    assert len(subscriber.seen) == 1, "and not by itself"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "two..dots", "x" * 64 + ".example"])
@pytest.mark.parametrize("private", [True, False])
def test_a_host_that_cannot_be_found_is_tried_again(host, private):
    with pytest.raises(TemporaryFailure):
        sink_to(f"http://{host}/", allow_private=private).send([record()])


def test_an_answer_in_time_is_waited_for(sink, subscriber):
    subscriber.always(late(0.5, answer()))
    assert sink.send([record()]) == "200"


# What never shows


@pytest.mark.parametrize(
    "reply",
    [reset(), answer(b"no", 500), answer(status=410), answer(status=302, Location="/")],
    ids=["reset", "500", "410", "302"],
)
def test_no_failure_tells_the_url_or_a_secret(subscriber, reply):
    url = subscriber.url.replace("//", "//user:pass-word-1@") + "/T0000/capability?token=very-secret"
    sink = sink_to(url, secrets=[SECRET])
    subscriber.always(reply)
    with pytest.raises(LegworkError) as caught:
        sink.send([record()])
    sink.close()
    told = str(caught.value) + repr(caught.value)
    assert not [word for word in ("pass-word-1", "capability", "very-secret", SECRET) if word in told]

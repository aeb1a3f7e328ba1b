"""The client of Exotel's API when Exotel is in trouble: over the quota, silent, broken off, and what is told of it."""

from __future__ import annotations

import base64
import gzip
import logging
import time
import traceback
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from asking import FINAL, S1, SID, TIMEOUT_SECONDS, client_of, failure_of
from hypothesis import example, given
from hypothesis import strategies as st
from payloads.samples import ANSWERS
from stubs import answer, chunked, cut_off, dripping, last, late, reset

from worker.errors import AccountSuspended, LegworkError, Throttled, Unreachable
from worker.exotel import MAX_ANSWER_BYTES
from worker.http.waiting import LONGEST_PAUSE_SECONDS, retry_after_seconds
from worker.process.embedded_redis import free_port


@pytest.fixture
def client(exotel):
    client = client_of(exotel.url, exotel_timeout_seconds=TIMEOUT_SECONDS)
    yield client
    client.close()


# Over the quota


@pytest.mark.parametrize("body", [ANSWERS["S6"].body, b"", b"<html>slow down</html>"])
def test_429_says_how_long_to_pause(exotel, client, body):
    exotel.always(answer(body, 429, Retry_After="30"))
    assert failure_of(client, Throttled).retry_after == 30


def test_429_may_name_a_date_which_is_taken_by_the_answers_own_clock(exotel, client):
    then = datetime(2020, 2, 29, 12, tzinfo=UTC)
    dates = {"Date": format_datetime(then, usegmt=True)}
    dates["Retry-After"] = format_datetime(then + timedelta(seconds=45), usegmt=True)
    exotel.always(answer(b"", 429, **dates))
    assert failure_of(client, Throttled).retry_after == 45


@pytest.mark.parametrize("value", [None, "", "soon", "nan", "-5", "Wed, 99 Foo 2026 00:00:00 GMT"])
def test_429_without_a_time_that_can_be_read_has_none(exotel, client, value):
    exotel.always(answer(b"", 429, **({} if value is None else {"Retry-After": value})))
    assert failure_of(client, Throttled).retry_after is None


@pytest.mark.parametrize("value", ["90000", "inf", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_pause_beyond_a_day_is_a_slip(value):
    assert retry_after_seconds(value) == LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize("value", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_pause_that_is_over_is_none(value):
    assert retry_after_seconds(value) == 0


@given(st.text(), st.none() | st.text())
@example("Wed, 16 Sep 99999999999999999999 10:00:00 GMT", None)
@example("Wed, 16 Sep 2026 10:00:00 +99999999999999999999", None)
@example("1" * 5000, None)
def test_whatever_stands_in_a_header_it_is_a_time_or_none(value, date):
    seconds = retry_after_seconds(value, date)
    assert seconds is None or 0 <= seconds <= LONGEST_PAUSE_SECONDS


# When no answer comes


def test_a_connection_that_is_refused_is_no_answer():
    failure = failure_of(client_of(f"http://127.0.0.1:{free_port()}"), Unreachable)
    assert str(failure) == "no answer: ConnectionError"


def test_a_host_that_does_not_exist_is_no_answer():
    for host in ("no-such-host.invalid", "two..dots"):
        failure_of(client_of(f"http://{host}"), Unreachable)


def test_a_late_answer_is_no_answer(exotel, client):
    exotel.always(late(4 * TIMEOUT_SECONDS, FINAL))
    assert "no answer within 0.3 s" in str(failure_of(client, Unreachable))


def test_an_answer_that_drips_is_given_up_although_no_single_wait_is_long(exotel, client):
    exotel.always(dripping(S1.body, pause=TIMEOUT_SECONDS / 10))
    began = time.monotonic()
    failure_of(client, Unreachable)
    # To its end, a byte at a time.
    assert time.monotonic() - began < len(S1.body) * TIMEOUT_SECONDS / 10 / 2


@pytest.mark.parametrize(
    "reply",
    [
        cut_off(S1.body[:200], promised=len(S1.body)),
        cut_off(b"", promised=10),
        reset(),
        reset(after=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + S1.body[:100]),
        reset(after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
        last(answer(b"nothing of the kind", Content_Encoding="gzip")),
        last(lambda connection: connection.sendall(b"no HTTP at all\r\n\r\n")),
    ],
    ids=["cut off", "empty", "reset", "reset in the body", "reset in a chunk", "no gzip", "no HTTP"],
)
def test_a_broken_answer_is_no_answer(exotel, client, reply):
    exotel.always(reply)
    failure_of(client, Unreachable)


@pytest.mark.parametrize("whole", [chunked(*[b" " * 2**20] * 9), answer(b" " * 9 * 2**20)], ids=["chunked", "plain"])
def test_an_answer_beyond_all_measure_is_not_read_to_its_end(exotel, whole):
    client = client_of(exotel.url, exotel_timeout_seconds=10)
    exotel.always(last(whole))
    assert f"larger than {MAX_ANSWER_BYTES} bytes" in str(failure_of(client, Unreachable))


def test_a_bomb_is_not_unpacked(exotel):
    client = client_of(exotel.url, exotel_timeout_seconds=10)
    exotel.always(last(answer(gzip.compress(b" " * 2**26), Content_Encoding="gzip")))
    tracemalloc.start()
    failure_of(client, Unreachable)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MAX_ANSWER_BYTES


def test_the_client_goes_on_after_a_failure(exotel, client):
    for reply in (reset(), cut_off(b"{", promised=9), answer(status=500), answer(b"[" * 10_000)):
        exotel.then(reply, FINAL)
        failure_of(client, Unreachable)
        assert client.fetch_legs(SID).answer.total == 3


# What never shows


def test_no_failure_and_no_log_line_holds_the_credentials(exotel, client, caplog):
    caplog.set_level(logging.DEBUG)
    echo = {"RestException": {"Status": 400, "Message": "x" * 500}}
    for reply in (reset(), answer(echo, 400), answer(echo, 401), answer(b"<html>", 502), cut_off(b"", promised=2)):
        exotel.then(reply)
        with pytest.raises(LegworkError) as caught:
            client.fetch_legs(SID)
        told = "".join(traceback.format_exception(caught.value)) + caplog.text
        encoded = base64.b64encode(b"the-api-key:the-api-token").decode()
        assert not [secret for secret in ("the-api-key", "the-api-token", encoded) if secret in told]
        assert len(str(caught.value)) < 300


# The probe of `legwork check`


@pytest.mark.parametrize("status", [400, 404])
def test_a_probe_is_let_in_where_only_the_call_is_unknown(exotel, client, status):
    exotel.always(answer(ANSWERS["S4"].body, status))
    assert client.probe().startswith(str(status))
    assert exotel.seen[0].method == "GET"


def test_a_probe_tells_what_is_wrong(exotel, client):
    exotel.then(answer(status=401), answer(status=500))
    with pytest.raises(AccountSuspended):
        client.probe()
    with pytest.raises(Unreachable):
        client.probe()

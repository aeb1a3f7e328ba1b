"""Answers of Exotel's that an HTTP library trips over: what their status line says counts, and what can be read is read.

Legs are final only where the body was whole as its headers frame it. JSON that is whole in itself, with counts that agree, may
have been changed by whatever broke the body off, and asking once more costs one request. Past the schedule such legs are not
lost: the record holds them, with `"settled": false`.
"""

from __future__ import annotations

import gzip
import json

import pytest
from asking import FINAL, S1, S3, SID, client_of, failure_of
from odd_answers import RESTS, saying
from stubs import answer, reset

from worker.errors import AccountSuspended, NotFinalYet, Throttled, Unreachable

LENGTH = f"Content-Length: {len(S1.body)}\r\n".encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BEHIND = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def client(exotel):
    # Some of the answers never end; a second is enough for the first line of the others on a busy machine.
    client = client_of(exotel.url, exotel_timeout_seconds=1)
    yield client
    client.close()


def in_chunks(body, size=100):
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (LENGTH + b"no colon\r\n", S1.body),
        (LENGTH + b"X-Odd: caf\xe9\0\r\n folded\r\n", S1.body),
        (LENGTH + b"H: 1\r\n" * 150, S1.body),
        (b"X-Long: " + b"x" * 100_000 + b"\r\n" + LENGTH, S1.body),
        (LENGTH + LENGTH, S1.body),
        (LENGTH.replace(b"\r\n", b"\n"), S1.body),
        (LENGTH + b"Content-Type: application/json; charset\r\n", S1.body),
        (LENGTH + b"Content-Type: text/html; charset=klingon\r\n", S1.body),
        (LENGTH + b"Set-Cookie: =;;=\r\n", S1.body),
        (LENGTH + b"Location: http://[oops\r\n", S1.body),
        (LENGTH + b"Content-Encoding: gzip\r\n", S1.body),
        (LENGTH + b"Content-Encoding: br\r\n", S1.body),
        (LENGTH + b"Content-Encoding: klingon, gzip\r\n", S1.body),
        (b"Transfer-Encoding: identity\r\n" + LENGTH, S1.body),
        (b"", S1.body),
        (b"Content-Encoding: GZIP\r\n", gzip.compress(S1.body, mtime=0)),
        (CHUNKED + b"Content-Length: 7\r\n", in_chunks(S1.body) + b"0\r\n\r\n"),
        (CHUNKED, in_chunks(S1.body) + b"0\r\nX-Trailer: 1\r\n\r\n"),
        (LENGTH, S1.body + b"\r\nnot asked for"),
    ],
    ids=lambda part: part[:60].decode("latin-1") if isinstance(part, bytes) else None,
)
def test_what_can_be_read_is_read(exotel, client, headers, body):
    """Two lengths that agree, `charset` without a value or plain text called gzip were no answer, up to the last attempt."""
    exotel.then(saying(b"HTTP/1.1 200 OK\r\n", headers, b"\r\n", body))
    assert client.fetch_legs(SID).answer.total == 3


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (b"Content-Length: 9999\r\n", S1.body, f"the answer broke off after {len(S1.body)} bytes"),
        (CHUNKED, in_chunks(S1.body), f"the answer broke off after {len(S1.body)} bytes"),
        (b"Content-Length: 7\r\n" + LENGTH, S1.body, "the answer has no length that can be relied on"),
        (b"Content-Length: many\r\n", S1.body, "the answer has no length that can be relied on"),
        (CHUNKED + CHUNKED, in_chunks(S1.body) + b"0\r\n\r\n", "the answer has no length that can be relied on"),
        (b"Transfer-Encoding: klingon\r\n", S1.body, "the answer has no length that can be relied on"),
    ],
    ids=["too long", "no last chunk", "two lengths", "no length", "chunked twice", "a coding that nobody knows"],
)
def test_what_broke_off_is_not_final_and_is_kept(exotel, client, headers, body, reason):
    exotel.then(saying(b"HTTP/1.1 200 OK\r\n", headers, b"\r\n", body))
    failure = failure_of(client, NotFinalYet)
    assert (str(failure), failure.body) == (reason, S1.body)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (LENGTH + b"\r\n" + S1.body[:100], "the answer broke off after 100 bytes"),
        (CHUNKED + b"\r\n" + in_chunks(S1.body[:100]), "the answer broke off after 100 bytes"),
        (CHUNKED + b"\r\n" + S1.body, "the answer broke off after 0 bytes"),
        (LENGTH, "the answer has no length that can be relied on"),
        (b"", "the answer has no length that can be relied on"),
        (b"Content-Length: 100\r\n\r\n" + S1.body, "answer cannot be read: body: Neither JSON nor XML."),
    ],
    ids=["length", "chunks", "no chunks", "headers", "nothing", "too short"],
)
@pytest.mark.parametrize("end", [saying, lambda said: reset(after=said)], ids=["closed", "reset"])
def test_what_cannot_be_read_says_why(exotel, client, rest, reason, end):
    exotel.then(end(b"HTTP/1.1 200 OK\r\n" + rest))
    assert str(failure_of(client, Unreachable)) == reason


@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
@pytest.mark.parametrize(
    ("status", "kind"), [(401, AccountSuspended), (402, AccountSuspended), (403, AccountSuspended), (429, Throttled)]
)
def test_a_refusal_counts_whatever_follows_its_status_line(exotel, client, rest, status, kind):
    """A 401 whose body broke off was no answer: the account was asked on, a call after the other."""
    exotel.then(saying(f"HTTP/1.1 {status} No\r\nRetry-After: 5\r\nRetry-After: 77\r\nX-Next: 1\r\n".encode(), rest))
    failure = failure_of(client, kind)
    assert str(failure).startswith(str(status))
    assert getattr(failure, "retry_after", 77) == 77


def test_a_refusal_that_is_larger_than_any_answer_is_one(exotel):
    client = client_of(exotel.url, exotel_timeout_seconds=10)
    exotel.always(answer(b" " * 9 * 2**20, 401))
    failure_of(client, AccountSuspended)
    client.close()


@pytest.mark.parametrize("rest", RESTS.values(), ids=RESTS.keys())
def test_nothing_behind_an_odd_answer_is_that_to_the_next_call(exotel, client, rest):
    exotel.then(saying(b"HTTP/1.1 400 No\r\n", rest, BEHIND, then="kept"), FINAL)
    failure_of(client)
    assert client.fetch_legs(SID).answer.total == 3


def test_a_request_is_not_sent_again_by_itself_over_a_connection_that_was_closed(exotel, client):
    """Each request costs a token, and Exotel may have counted the first."""
    seen = []

    def close_later(connection):
        FINAL(connection)
        seen.append(connection.recv(4096))
        return False

    exotel.then(close_later)
    client.fetch_legs(SID)
    failure_of(client, Unreachable)
    assert len(exotel.seen) == 1
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (S1.body.replace(b"completed", b"compl\xe9ted", 1), "application/json"),
        (S1.body.decode().encode("utf-16"), "application/json"),
        (S1.body.decode().encode("utf-16-le"), "application/json; charset=utf-8"),
        (S1.body.decode().encode("utf-8-sig"), "text/html; charset=iso-8859-1"),
        (S3.body.replace(b"<Status>completed", b"<Status>compl\xe9ted", 1), "application/xml; charset=utf-8"),
    ],
    ids=["latin-1", "utf-16", "utf-16 without a mark", "utf-8 with a mark", "XML"],
)
def test_a_byte_that_is_no_character_costs_that_character(exotel, client, body, content_type):
    exotel.then(answer(body, Content_Type=content_type))
    assert client.fetch_legs(S3.call_sid if b"<" in body[:3] else SID).answer.legs


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
def test_legs_that_are_kept_can_be_searched_for_a_number(exotel, client, encoding):
    """What waits for the rest of a call is searched as UTF-8 by whoever has a number erased."""
    unfinished = S1.body.replace(b'"completed"', b'"in-progress"', 1).decode()
    exotel.then(answer(unfinished.encode(encoding)))
    kept = failure_of(client, NotFinalYet).body
    assert json.loads(kept) == json.loads(unfinished)
    number = json.loads(unfinished)["legs"][0]["PhoneNumber"]
    assert number.encode() in kept


def test_a_declared_charset_is_taken_where_it_is_not_utf_8(exotel, client):
    exotel.then(answer(S1.body.replace(b"completed", b"compl\xe9ted", 1), Content_Type='x/y; Charset="ISO-8859-1"'))
    assert "compl\xe9ted" in {leg.status for leg in client.fetch_legs(SID).answer.legs}

"""The client of Exotel's API, against a server on loopback that answers in every way Exotel's might, and worse."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from importlib.metadata import version

import pytest
from asking import FINAL, S1, S2, S3, SID, client_of, failure_of
from payloads.samples import ANSWERS
from processes import until
from stubs import StubServer, answer, chunked, cut_off, last, reset

from worker.errors import AccountSuspended, NotFinalYet, TemporaryFailure, Unreachable


@pytest.fixture
def client(exotel):
    client = client_of(exotel.url)
    yield client
    client.close()


# What is asked


def test_only_a_get_to_the_legs_of_the_call_is_sent(exotel, client):
    exotel.always(FINAL)
    client.fetch_legs(SID)
    (seen,) = exotel.seen
    assert (seen.method, seen.target) == ("GET", f"/v1/Accounts/acme1m/Calls/{SID}/Legs.json")
    assert seen.body == b""


def test_the_credentials_stand_in_the_header_and_nowhere_else(exotel, client):
    exotel.always(FINAL)
    client.fetch_legs(SID)
    (seen,) = exotel.seen
    assert seen.headers["Authorization"] == "Basic " + base64.b64encode(b"the-api-key:the-api-token").decode()
    others = seen.target + str([pair for pair in seen.headers.items() if pair[0] != "Authorization"])
    assert "the-api" not in others


def test_the_request_says_who_asks_and_for_what(exotel, client):
    exotel.always(FINAL)
    client.fetch_legs(SID)
    (seen,) = exotel.seen
    assert seen.headers["User-Agent"] == f"legwork/{version('legwork')}"
    assert seen.headers["Accept"] == "application/json"


def test_a_base_url_with_a_path_is_kept(exotel):
    exotel.always(FINAL)
    client = client_of(f"{exotel.url}/exotel/proxy/")
    client.fetch_legs(SID)
    client.close()
    assert exotel.targets == [f"/exotel/proxy/v1/Accounts/acme1m/Calls/{SID}/Legs.json"]


def test_a_password_file_of_the_machine_does_not_replace_the_credentials(exotel, client, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    exotel.always(FINAL)
    client.fetch_legs(SID)
    assert base64.b64decode(exotel.seen[0].headers["Authorization"].split()[1]) == b"the-api-key:the-api-token"


@pytest.mark.parametrize(
    "reply",
    [reset(), answer(status=429), answer(status=500), answer(status=503), cut_off(b"{", promised=90)],
    ids=["reset", "429", "500", "503", "cut off"],
)
def test_nothing_is_sent_again_by_itself(exotel, client, reply):
    exotel.always(reply)
    with pytest.raises(TemporaryFailure):
        client.fetch_legs(SID)
    assert len(exotel.seen) == 1


# What a good answer looks like


@pytest.mark.parametrize("sample", [S1, S2, S3], ids=lambda sample: sample.name)
def test_a_final_answer_is_read_in_json_and_xml(exotel, client, sample):
    exotel.always(answer(sample.body))
    fetched = client.fetch_legs(sample.call_sid)
    assert len(fetched.answer.legs) == fetched.answer.total
    assert fetched.sha256 == hashlib.sha256(sample.body).hexdigest()
    assert 0 < fetched.seconds < 5


@pytest.mark.parametrize("content_type", ["text/html", "application/xml", "nonsense", ""])
def test_the_body_says_what_it_is_whatever_its_content_type(exotel, client, content_type):
    exotel.always(answer(S1.body, Content_Type=content_type))
    assert len(client.fetch_legs(SID).answer.legs) == 3


def test_an_answer_of_unknown_length_is_read_to_its_end(exotel, client):
    exotel.always(chunked(S1.body[:100], S1.body[100:200], S1.body[200:]))
    assert client.fetch_legs(SID).sha256 == hashlib.sha256(S1.body).hexdigest()


def test_an_answer_that_is_compressed_although_nobody_asked_is_read(exotel, client):
    exotel.always(answer(gzip.compress(S1.body), Content_Encoding="gzip"))
    assert len(client.fetch_legs(SID).answer.legs) == 3
    assert exotel.seen[0].headers["Accept-Encoding"] == "identity"


def test_a_connection_is_used_again(exotel, client):
    exotel.always(FINAL)
    for _ in range(3):
        client.fetch_legs(SID)
    assert exotel.connections == 1


def test_a_connection_that_was_closed_while_it_lay_idle_costs_no_attempt(exotel, client):
    exotel.always(last(FINAL))
    client.fetch_legs(SID)
    until(lambda: exotel.closed)
    client.fetch_legs(SID)
    assert exotel.connections == 2


# What is no answer, or not the last word


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ({"MetaData": {"Total": 3, "Count": 2}, "legs": [1, 2]}, "Incomplete: Exotel returned 2 of 3 legs"),
        ({"MetaData": {"Total": 2, "Count": 2}, "legs": [1]}, "Incomplete: Exotel returned 1 of 2 legs"),
        ({"MetaData": {"Total": 0, "Count": 0}, "legs": []}, "no legs yet"),
    ],
)
def test_an_incomplete_answer_is_not_final(exotel, client, legs, reason):
    leg = json.loads(S1.body)["legs"][0]
    document = {**legs, "legs": [{**leg, "Sid": f"{leg['Sid'][:-1]}{number}"} for number in legs["legs"]]}
    exotel.always(answer(document))
    failure = failure_of(client, NotFinalYet)
    assert str(failure) == reason
    assert (failure.body is not None) == bool(legs["legs"]), "what held legs is kept"


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", "In-Progress"])
def test_an_unfinished_leg_is_not_final(exotel, client, status):
    exotel.always(answer(S1.body.replace(b'"completed"', json.dumps(status).encode(), 1)))
    assert status.lower() in str(failure_of(client, NotFinalYet))


def test_the_answer_about_another_call_is_not_final(exotel, client):
    exotel.always(FINAL)
    assert "another call" in str(failure_of(client, NotFinalYet, call_sid=S2.call_sid))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"null",
        b"[]",
        b"{}",
        b'{"legs": 7}',
        b"<html><h1>Bad gateway</h1></html>",
        S1.body[:-40],
        b"\xff\xfe\x00",
    ],
)
def test_a_body_that_cannot_be_read_is_no_answer(exotel, client, body):
    exotel.always(answer(body))
    failure_of(client, Unreachable)


def test_an_answer_of_another_api_is_no_answer(exotel, client):
    for name in ("S9", "S10", "S12", "S13"):
        exotel.then(answer(ANSWERS[name].body))
        failure_of(client, Unreachable)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 418, 422])
def test_a_refusal_is_tried_again_with_what_exotel_said(exotel, client, status):
    exotel.always(answer(ANSWERS["S4"].body, status))
    assert str(failure_of(client)) == f"{status}: Bad Request: Please check the call id sent"


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_of_the_account_suspends_it(exotel, client, status):
    exotel.always(answer(ANSWERS["S5"].body, status))
    with pytest.raises(AccountSuspended, match=f"{status}: Authentication failed"):
        client.fetch_legs(SID)


@pytest.mark.parametrize("status", [500, 501, 502, 503, 504])
def test_a_failure_of_exotels_is_no_answer_whatever_its_body(exotel, client, status):
    for body in (b"", b"<html>gateway</html>", ANSWERS["S5"].body):
        exotel.then(answer(body, status))
        assert str(failure_of(client, Unreachable)).startswith(str(status))


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_any_other_success_is_no_answer(exotel, client, status):
    exotel.always(answer(b"" if status == 204 else S1.body, status))
    failure_of(client, Unreachable)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(exotel, client, status):
    with StubServer(FINAL) as elsewhere:
        exotel.always(answer(status=status, Location=f"{elsewhere.url}/v1/"))
        assert "redirects are not followed" in str(failure_of(client, Unreachable))
        assert elsewhere.seen == []
    assert len(exotel.seen) == 1

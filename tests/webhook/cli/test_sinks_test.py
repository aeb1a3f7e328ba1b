"""`legwork sinks test`: a signed ping, what came of it, and nothing in it that must not show."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from stubs import answer, reset
from subscribing import is_signed_with

from worker.process.embedded_redis import free_port

HIDDEN = "hunter2-of-crm"


def test_a_good_receiver_gets_a_signed_ping(operator, receiver):
    secret = operator.add(f"{receiver.url}/hooks")
    found = operator.json("test", "crm")
    (seen,) = receiver.seen
    assert (found["delivered"], found["status"], found["error"]) == (True, 200, None)
    assert is_signed_with(secret, seen)
    ping = json.loads(seen.body)
    assert (ping["type"], ping["subject"], ping["data"]["sink"]) == ("legwork.ping", "crm", "crm")
    assert seen.headers["webhook-id"] == ping["id"]
    assert json.loads(found["request_body"]) == ping


def test_a_ping_has_the_shape_that_the_sink_gets(operator, receiver):
    operator.add(receiver.url, "--projection", "{who: account_sid}")
    operator.json("test", "crm")
    assert json.loads(receiver.seen[0].body)["data"] == {"who": "acme1m"}


def test_a_ping_arrives_even_where_the_projection_is_made_for_calls(operator, receiver):
    operator.add(receiver.url, "--projection", "length(legs)")
    assert operator.json("test", "crm")["delivered"]


def test_people_see_the_request_and_the_answer(operator, receiver):
    operator.add(f"{receiver.url}/hooks")
    receiver.always(answer(b"thanks", X_Request_Id="r-1"))
    lines = operator.run("test", "crm").stdout.splitlines()
    assert lines[0] == f"POST {receiver.url}/hooks"
    assert "webhook-id: evt_" in "\n".join(lines)
    assert "X-Request-Id: r-1" in lines
    assert lines[-1] == "thanks"


def test_an_answer_of_500_is_shown_and_is_a_failure(operator, receiver):
    operator.add(receiver.url)
    receiver.always(answer(b"no database", status=500))
    shown = operator.run("test", "crm")
    assert shown.exit_code == 1
    assert "no database" in shown.stdout
    assert shown.stderr == "crm: answered 500; it must answer 2xx, or nothing counts as delivered\n"
    told = operator.run("test", "crm", "--json")
    assert told.exit_code == 1
    document = json.loads(told.stdout)
    assert (document["delivered"], document["status"], document["answer_body"]) == (False, 500, "no database")


@pytest.mark.parametrize("status", [302, 410])
def test_what_is_no_success_is_a_failure(operator, receiver, status):
    operator.add(receiver.url)
    receiver.always(answer(status=status, Location="/elsewhere"))
    assert operator.run("test", "crm").exit_code == 1
    assert operator.sink()["state"] == "active", "a test does nothing to the sink"


def test_a_private_address_is_refused_and_it_says_what_would_let_it_through(operator, receiver):
    operator.json("add", "crm", receiver.url)
    result = operator.run("test", "crm")
    assert result.exit_code == 1
    assert "127.0.0.1 is a private address: allow_private=true or allow_networks=127.0.0.1" in result.stderr
    assert receiver.connections == 0


def test_nobody_there_is_said_so(operator, receiver):
    operator.add(f"http://127.0.0.1:{free_port()}/")
    result = operator.run("test", "crm", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["delivered"], document["status"]) == (False, None)
    assert document["error"] == "no answer: Connection refused"
    receiver.always(reset())
    operator.add(receiver.url, name="erp")
    assert operator.run("test", "erp").stderr.startswith("erp: no answer: Connection reset by peer; make sure that")


def test_what_moves_a_cursor_is_not_printed(operator, receiver):
    operator.add(receiver.url)
    receiver.always(answer("\x1b[2J\x9bcleared\r\nall\ttabs\x7f\u202e".encode(), X_Title="\x1b]0;owned\x07"))
    shown = operator.run("test", "crm").stdout
    assert "?[2J?cleared" in shown
    assert "all\ttabs??" in shown
    assert not [character for character in shown if not character.isprintable() and character not in "\n\t"]


def test_headers_of_its_own_are_sent_and_not_shown(operator, receiver):
    operator.add(receiver.url, "--header", f"X-Api-Key: {HIDDEN}", "--header", f"Authorization: Bearer {HIDDEN}")
    for form in ([], ["--json"]):
        result = operator.run("test", "crm", *form)
        assert "***" in result.stdout
        assert HIDDEN not in result.output
        assert receiver.seen[-1].headers["X-Api-Key"] == HIDDEN


def test_neither_password_nor_query_of_the_url_is_shown(operator, receiver):
    """The query was, and a token in there is how many subscribers know us."""
    operator.add(f"http://crm:{HIDDEN}@127.0.0.1:{receiver.port}/hooks?token={HIDDEN}")
    for form in ([], ["--json"]):
        assert HIDDEN not in operator.run("test", "crm", *form).output
    assert receiver.seen[0].target == f"/hooks?token={HIDDEN}"
    assert operator.json("test", "crm")["url"] == f"{receiver.url}/hooks"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_a_receiver_echoes_is_not_shown_either(operator, receiver, form):
    """Those that people try things out with send back all that they got, and all of it was shown."""

    def echo(seen):
        everything = f"{seen.method} {seen.target}\n{seen.headers}"
        return answer(everything.encode(), X_Echo=seen.headers["X-Api-Key"])

    receiver.choose(echo)
    url = f"http://crm:{HIDDEN}@127.0.0.1:{receiver.port}/hooks?a={HIDDEN}"
    operator.add(url, "--header", f"X-Api-Key: key-{HIDDEN}")
    shown = operator.run("test", "crm", *form).output
    assert "POST /hooks?***" in shown
    assert HIDDEN not in shown
    assert b64encode(f"crm:{HIDDEN}".encode()).decode() not in shown


def test_a_disabled_sink_can_be_tested_before_it_is_enabled(operator, receiver):
    operator.add(receiver.url)
    operator.json("disable", "crm")
    assert operator.run("test", "crm").exit_code == 0


def test_certificates_that_have_gone_are_said_to_be(operator, receiver, tmp_path):
    operator.variables["sinks"] = f"stdout: {receiver.url}/?ca_file={tmp_path}/gone.pem"
    result = operator.run("test", "http-127-0-0-1")
    assert result.exit_code == 1
    assert "gone.pem cannot be read" in result.stderr


# Other sinks


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_sink_that_is_no_webhook_looks_at_itself(operator, form):
    result = operator.run("test", "stdout", *form)
    assert result.exit_code == 0
    shown = json.loads(result.stdout)["check"] if form else result.stdout
    assert shown.strip()


def test_one_that_is_no_webhook_and_not_well_is_a_failure(operator):
    operator.variables["sinks"] = f"redis://:{HIDDEN}@127.0.0.1:{free_port()}/0"
    result = operator.run("test", "redis-127-0-0-1")
    assert result.exit_code == 1
    assert result.stderr.startswith("redis-127-0-0-1: ")
    assert HIDDEN not in result.output

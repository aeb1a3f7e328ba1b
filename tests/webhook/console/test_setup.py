"""The page *Setup*: steps that tick themselves off, and the callback URLs for those who ask."""

from __future__ import annotations

import re

import pytest
from cli_kit import json_of, run
from console_kit import SID, Person, settle_calls, words_of
from factories import ACCOUNT, TOKEN

from worker.ledger.registry.account_notes import AccountNotes


def steps_of(answer):
    """Each step's name, and whether it is done."""
    found = re.findall(r"<li><span class=\"badge (final|waiting)\">[^<]*</span> <b>([^<]*)</b>", answer.text)
    return {name: word == "final" for word, name in found}


def test_the_steps_tick_themselves_off(make_web):
    web = make_web()
    person = Person(web)
    assert steps_of(person.read("/setup")) == {
        "Exotel accepts the credentials": False,
        "PUBLIC_URL is set": False,
        "First callback": False,
        "First call fetched": False,
        "First record delivered": False,
        "The console has a password": False,
    }
    web.post(f"/callbacks/{TOKEN}/status", data={"CallSid": "legworktest"})
    words = words_of(person.read("/setup"))
    assert "1 test callback came, no call yet" in words
    assert f"{ACCOUNT}: 1, the last one 0 s ago" in words
    settle_calls(web, SID)
    AccountNotes(web.ledger.client, ACCOUNT).note_answer()
    (lease,) = web.ledger.deliveries[ACCOUNT, "stdout"].backlog.lease(1)
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    assert book.delivered(book.claim(lease), "written")
    done = steps_of(person.read("/setup"))
    assert [name for name, is_done in done.items() if not is_done] == [
        "PUBLIC_URL is set",
        "The console has a password",
    ]


def test_a_refused_account_is_a_step_to_do(web):
    AccountNotes(web.ledger.client, ACCOUNT).note_answer()
    web.ledger.calls[ACCOUNT].bucket.suspend("401")
    page = Person(web).read("/setup")
    assert not steps_of(page)["Exotel accepts the credentials"]
    assert f"refused: {ACCOUNT}" in words_of(page)


def test_the_overview_leads_there_until_calls_come(web):
    person = Person(web)
    assert "steps are done" in words_of(person.read())
    settle_calls(web, SID)
    web.post(f"/callbacks/{TOKEN}/status", data={"CallSid": "call00009"})
    assert "steps are done" not in words_of(person.read())


def test_the_urls_show_when_somebody_asks_and_that_is_logged_without_them(make_web, capfd):
    web = make_web(public_url="https://calls.example.com/legwork/")
    person = Person(web)
    assert TOKEN not in person.read("/setup").text
    page = person.press("/setup/urls")
    assert f"https://calls.example.com/legwork/callbacks/{TOKEN}/passthru" in page.text
    assert f"https://calls.example.com/legwork/callbacks/{TOKEN}/status" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    told = "".join(capfd.readouterr())
    assert "console.urls_shown" in told
    assert TOKEN not in told
    assert TOKEN not in person.read("/setup").text
    assert person.read("/setup/urls").status_code == 405


def test_the_command_prints_them_too(tmp_path):
    found = json_of("urls", public_url="https://calls.example.com")
    assert found == {
        "public_url": "https://calls.example.com",
        "callback_urls": {
            ACCOUNT: {kind: f"https://calls.example.com/callbacks/{TOKEN}/{kind}" for kind in ("passthru", "status")}
        },
    }
    local = run("urls", port="8123")
    assert f"http://localhost:8123/callbacks/{TOKEN}/passthru" in local.stdout
    assert "PUBLIC_URL is not set" in local.stderr


@pytest.mark.parametrize(
    "url", ["calls.example.com", "ftp://calls.example.com", "https://a:b@calls.example.com", "https://x/?a=b"]
)
def test_what_is_no_public_url_is_told(url):
    done = run("urls", public_url=url)
    assert done.exit_code == 2
    assert "PUBLIC_URL" in done.stderr
    assert "give http(s)://host" in done.stderr

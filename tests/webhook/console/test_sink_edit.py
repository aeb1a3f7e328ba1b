"""The form that changes a webhook subscriber."""

from __future__ import annotations

import re
from html import unescape

import pytest
from console_kit import SID, Person, settle_calls, successes, words_of
from stubs import StubServer, answer
from subscribing import KEY, OTHER_KEY, is_signed_with, put_off

from worker.process.embedded_redis import free_port

EDIT = "/sinks/crm/edit"
HIDDEN = "hunter2-of-crm"


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def person(web):
    return Person(web)


@pytest.fixture
def other_receiver():
    with StubServer(answer()) as server:
        yield server


@pytest.fixture
def secret(web, receiver):
    """That of a subscriber with all that can be changed."""
    keys = {"types": ["legwork.call.completed"], "filter": "data.talk_seconds > `0`", "rate": "10/s", "concurrency": 4}
    options = {"allow_private": True, "headers": {"X-Key": HIDDEN, "X-Tenant": f"tenant-{HIDDEN}"}}
    given = {"name": "crm", "url": f"{receiver.url}/hooks?token={HIDDEN}", "options": options, **keys}
    return web.post("/api/sinks", json=given).json["secret"]


def form_on(page):
    """The fields of the form as a browser would send them."""
    text = page.text[page.text.index('<form class="card"') :]
    fields = {"types": []}
    for tag in re.findall(r"<input[^>]+>", text):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found.get("type") == "checkbox":
            if " checked" in tag:
                fields["types"].append(found["value"]) if found["name"] == "types" else fields.update(
                    {found["name"]: found["value"]}
                )
        elif found["name"] != "token":
            fields[found["name"]] = unescape(found["value"])
    fields["headers"] = unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", text, re.DOTALL)[1])
    return fields


def spec_of(web, name="crm"):
    web.ledger.refresh_sinks()
    return web.ledger.sinks[name]


def edit(person, **changes):
    return person.press(EDIT, **{**form_on(person.read(EDIT)), **changes})


def test_the_form_has_what_there_is_and_no_secret(person, receiver, secret):
    page = person.read(EDIT)
    assert form_on(page) == {
        "version": form_on(page)["version"],
        "url": f"{receiver.url}/hooks",
        "types": ["legwork.call.completed"],
        "filter": "data.talk_seconds > `0`",
        "projection": "",
        "rate": "10/s",
        "concurrency": "4",
        "headers": "X-Key: ***\nX-Tenant: ***\n",
        "allow_private": "1",
    }
    assert HIDDEN not in page.text
    assert secret not in page.text
    assert f'href="{EDIT}"' in person.read("/sinks/crm").text


def test_a_form_that_is_saved_as_it_is_changes_nothing(web, person, secret):
    before = spec_of(web)
    assert "No change" in words_of(person.follow(edit(person)))
    assert spec_of(web) == before


def test_what_is_changed_in_the_form_changes_and_the_rest_stays(web, person, secret):
    before = spec_of(web)
    page = person.follow(edit(person, filter="", rate="600/m", types=[]))
    assert successes(page) == ["The sink is changed."]
    after = spec_of(web)
    assert (after.filter, str(after.rate), after.types) == (None, "600/m", ())
    assert (after.url, after.secrets, after.options, after.concurrency) == (
        before.url,
        before.secrets,
        before.options,
        4,
    )


def test_a_header_is_changed_one_is_taken_away_one_is_added(web, person, secret):
    person.follow(edit(person, headers="X-Key: ***\r\nX-New: a:b\r\n"))
    assert spec_of(web).options["headers"] == {"X-Key": HIDDEN, "X-New": "a:b"}


def test_what_waits_goes_to_the_new_url_with_the_same_secret(web, person, secret, other_receiver):
    spec_of(web)
    settle_calls(web, SID)
    assert put_off(web.ledger) == 1
    page = person.follow(edit(person, url=f"{other_receiver.url}/v2"))
    assert "waiting 1" in words_of(page)
    person.press("/sinks/crm/test")
    asked, pinged = other_receiver.seen
    assert (asked.method, pinged.target) == ("OPTIONS", "/v2")
    assert is_signed_with(secret, pinged)


def test_of_two_who_edit_the_second_is_told_and_sees_what_it_is_now(web, person, secret):
    first, second = (form_on(person.read(EDIT)) for _ in range(2))
    person.press(EDIT, **{**first, "rate": "20/s"})
    late = person.press(EDIT, **{**second, "concurrency": "8"})
    assert late.status_code == 409
    assert "crm was changed meanwhile. Your changes were not saved" in words_of(late)
    assert (form_on(late)["rate"], form_on(late)["concurrency"]) == ("20/s", "4")
    assert spec_of(web).concurrency == 4
    person.follow(person.press(EDIT, **{**form_on(late), "concurrency": "8"}))
    assert (str(spec_of(web).rate), spec_of(web).concurrency) == ("20/s", 8)


def test_who_corrects_a_mistake_is_told_of_a_change_before_it_too(web, person, secret):
    """A form that came back with a mistake took on the version of the moment, and the next attempt undid the change."""
    mine = form_on(person.read(EDIT))
    edit(person, rate="20/s")
    again = person.press(EDIT, **{**mine, "concurrency": "many"})
    assert again.status_code == 422
    assert person.press(EDIT, **{**form_on(again), "concurrency": "8"}).status_code == 409
    assert str(spec_of(web).rate) == "20/s"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": ""}, "give https://host/path"),
        ({"url": "ftp://crm.example.com"}, "give https://host/path"),
        ({"rate": "often"}, "is not a rate; give a number per second"),
        ({"projection": "data["}, "does not parse"),
        ({"concurrency": "0"}, "give a whole number from 1"),
        ({"types": ["legwork.call.complete"]}, "did you mean legwork.call.completed?"),
        ({"headers": "X-Other: ***"}, "X-Other: give the value"),
        ({"headers": "X-Key"}, "the value of X-Key is not printable"),
        ({"headers": f"Host: {HIDDEN}"}, "Host is set by Legwork"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_changes_nothing(web, person, secret, fields, said):
    before = spec_of(web)
    answered = edit(person, **fields)
    assert answered.status_code == 422
    assert said in " ".join(re.findall(r'class="bad"[^>]*>([^<]+)<', answered.text))
    assert HIDDEN not in answered.text
    assert spec_of(web) == before


def test_a_mistake_beside_new_secrets_says_that_they_have_to_be_typed_again(person, secret):
    answered = edit(person, rate="often", headers=f"X-Key: new-{HIDDEN}", url=f"https://u:{HIDDEN}@crm.example.com/")
    assert words_of(answered).count("Type your change once more: it may hold a secret.") == 2
    assert form_on(answered)["headers"] == "X-Key: ***\nX-Tenant: ***\n"
    assert HIDDEN not in answered.text


def test_where_nobody_answers_is_found_out_before_it_is_saved_unless_it_is_asked_for(web, person, secret):
    nobody = f"http://127.0.0.1:{free_port()}/hooks"
    refused = edit(person, url=nobody)
    assert (refused.status_code, "refused" in words_of(refused)) == (422, True)
    assert form_on(refused)["url"] == nobody
    private = edit(person, url=nobody, allow_private="")
    assert "tick “Allow private network address” to allow it" in words_of(private)
    person.follow(edit(person, url=nobody, unchecked="1"))
    assert spec_of(web).url == nobody


def test_a_sink_that_cannot_be_edited_has_no_form_and_says_why(web, person, secret, make_web):
    assert "/sinks/stdout/edit" not in person.read("/sinks/stdout").text
    locked_out = Person(make_web(legwork_secret_key=OTHER_KEY))
    for who, name, status, said in (
        (person, "stdout", 409, "is defined in the settings"),
        (person, "cmr", 404, "did you mean crm?"),
        (locked_out, "crm", 409, "no key in LEGWORK_SECRET_KEY"),
    ):
        for answered in (who.read(f"/sinks/{name}/edit"), who.press(f"/sinks/{name}/edit", rate="10/s")):
            assert (answered.status_code, said in words_of(answered)) == (status, True)

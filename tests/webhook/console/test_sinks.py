"""The pages of the sinks: how they are, and what can be done about them."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from console_kit import SID, Person, bury_delivery, settle_calls, successes, words_of
from factories import ACCOUNT
from subscribing import KEY, deliver, put_off

from worker.ledger.deliveries import Told
from worker.process.embedded_redis import free_port


@pytest.fixture
def open_web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def person(open_web):
    return Person(open_web)


def add(person, receiver, **fields):
    form = {"name": "crm", "url": f"{receiver.url}/hooks?key=hidden-in-the-url", "allow_private": "1", **fields}
    return person.press("/sinks", **form)


PRIVATE = {"allow_private": True}


@contextmanager
def out_of_reach_after_writing(web):
    """Let Redis refuse what a sink is described by, and nothing that is needed to add one."""
    refusal = ["ACL", "SETUSER", "default"]
    web.redis.execute_command(*refusal, "-hgetall")
    try:
        yield
    finally:
        web.redis.execute_command(*refusal, "+hgetall")


def secret_in(answer):
    return re.search(r"whsec_[0-9A-Za-z+/=]+", answer.text)


def test_every_sink_shows_where_it_writes_and_what_it_got(web):
    settle_calls(web, SID)
    page = words_of(Person(web).read("/sinks"))
    assert "stdout stdout: active 1 0 0" in page


def test_what_a_sink_answers_stands_on_its_page_and_on_the_calls_after_the_first_attempt(web):
    """A CRM said until when it was in maintenance; nobody saw it until the delivery was dead, 28 hours later."""
    settle_calls(web, SID)
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    owed = book.claim(book.backlog.lease(1)[0])
    told = Told(0.012, 503, "in maintenance until 10:00, ticket OPS-42")
    assert book.postpone(owed, "503", wait_seconds=60, attempt=True, told=told)
    for page in ("/sinks/stdout", f"/calls/{SID}"):
        said = words_of(Person(web).read(page))
        assert "503, after 12 ms" in said
        assert "in maintenance until 10:00, ticket OPS-42" in said


def test_a_sinks_page_says_what_failed_last_and_when_it_is_tried_again(web):
    """Before ten failures in a row made it a failing one, nothing was to be seen of a sink's errors."""
    settle_calls(web, SID, "call00002", "call00003")
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    for number, lease in enumerate(book.backlog.lease(2)):
        owed = book.claim(lease)
        assert book.postpone(owed, f"50{number}: ask +919000000001", wait_seconds=300, attempt=True)
    page = words_of(Person(web).read("/sinks/stdout"))
    told = page[page.index("Failing, to be retried") : page.rindex("Dead letters")]
    assert told.index("call0000") < told.index(SID[:8]), "the last one first"
    assert "501: ask …0001 1 in 5 min" in told
    assert told.count("call0000") == 1, "the third has not failed"


def test_without_a_key_the_page_says_what_adding_needs(web):
    page = Person(web).read("/sinks")
    assert "LEGWORK_SECRET_KEY" in page.text
    assert 'name="url"' not in page.text
    assert Person(web).press("/sinks", name="crm", url="https://crm.example.com/").status_code == 409


def test_where_nobody_answers_is_found_out_before_it_is_added_unless_it_is_asked_for(open_web, person):
    nobody = f"http://127.0.0.1:{free_port()}/hooks"
    fields = {"name": "crm", "url": nobody, "allow_private": "1"}
    answer = person.press("/sinks", **fields)
    assert answer.status_code == 422
    assert "refused" in words_of(answer)
    open_web.ledger.refresh_sinks()
    assert "crm" not in open_web.ledger.sinks
    # What was ticked stays ticked, for whoever sends the form once more.
    assert re.search(r'name="allow_private" value="1" checked', answer.text)
    assert secret_in(person.press("/sinks", **fields, unchecked="1"))
    open_web.ledger.refresh_sinks()
    assert open_web.ledger.sinks["crm"].options["allow_private"]


def test_a_private_address_is_refused_with_the_box_that_allows_it(person, receiver):
    answer = person.press("/sinks", name="crm", url=receiver.url)
    assert answer.status_code == 422
    (label,) = re.findall(r'name="allow_private" value="1"> ([^<]+)<', answer.text)
    assert f"127.0.0.1 is a private address; tick “{label}” to allow it" in words_of(answer)


def test_who_added_a_sink_sees_its_secret_though_redis_goes_away_a_moment_later(open_web, person, receiver):
    """It was told that nothing was done; the sink was there, and nobody ever saw its secret."""
    person.token()
    with out_of_reach_after_writing(open_web):
        answer = add(person, receiver)
    assert (answer.status_code, "went away" in words_of(answer)) == (200, True)
    assert secret_in(answer)
    assert "crm" in {sink["name"] for sink in open_web.get("/api/sinks").json}
    with out_of_reach_after_writing(open_web):
        answer = open_web.post("/api/sinks", json={"name": "two", "url": f"{receiver.url}/", "options": PRIVATE})
    assert (answer.status_code, answer.json["name"], answer.json["state"]) == (201, "two", "active")
    assert answer.json["secret"].startswith("whsec_")
    open_web.ledger.refresh_sinks()
    assert {"crm", "two"} <= open_web.ledger.sinks.keys()


def test_a_subscriber_is_added_and_its_secret_shown_once(open_web, person, receiver):
    answer = add(person, receiver, types=["legwork.call.completed"], rate="10/s")
    assert secret_in(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    open_web.ledger.refresh_sinks()
    spec = open_web.ledger.sinks["crm"]
    assert (spec.types, str(spec.rate)) == (("legwork.call.completed",), "10/s")
    again = person.read("/sinks/crm")
    assert not secret_in(again)
    for page in (answer, again, person.read("/sinks"), person.read()):
        assert "hidden-in-the-url" not in page.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Not A Name"}, "give up to 64 small letters"),
        ({"url": "ftp://crm.example.com"}, "give https://host/path"),
        ({"rate": "often"}, "is not a rate; give a number per second"),
        ({"filter": "data["}, "does not parse"),
        ({"types": "nonsense"}, "is not a type of record"),
        ({"types": "legwork.call.correct"}, "did you mean legwork.call.corrected?"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(person, receiver, fields, said):
    answer = add(person, receiver, **fields)
    assert answer.status_code == 422
    (wrong,) = re.findall(r'class="bad"[^>]*>([^<]+)<', answer.text)
    assert said in wrong
    assert 'value="' + fields.get("name", "crm") + '"' in answer.text


@pytest.mark.parametrize("userinfo", ["u:Qzx7w@", "u:12/Qzx7w@", "Qzx7w@"])
def test_what_was_typed_does_not_stay_where_it_holds_a_password(person, receiver, userinfo):
    answer = add(person, receiver, name="Not A Name", url=f"https://{userinfo}crm.example/?a=b")
    assert answer.status_code == 422
    assert "Qzx7w" not in answer.text


def test_a_name_that_is_taken_is_told(person, receiver):
    add(person, receiver)
    answer = add(person, receiver)
    assert (answer.status_code, "there is a sink called crm" in words_of(answer)) == (409, True)


def test_all_that_waits_for_a_sink_is_retried_now(web):
    settle_calls(web, SID, "call00002")
    assert put_off(web.ledger, "stdout") == 2
    person = Person(web)
    assert "Retry all now" in words_of(person.read("/sinks/stdout"))
    page = person.follow(person.press("/sinks/stdout/retry"))
    assert "2 deliveries are retried now." in words_of(page)
    assert len(deliver(web.ledger, "stdout")) == 2
    assert "Retry all now" not in words_of(person.read("/sinks/stdout")), "nothing waits"


def test_a_disabled_sink_has_no_button_that_retries_and_refuses_to(web):
    settle_calls(web, SID)
    put_off(web.ledger, "stdout")
    person = Person(web)
    person.press("/sinks/stdout/disable")
    assert "Retry all now" not in words_of(person.read("/sinks/stdout"))
    refused = person.press("/sinks/stdout/retry")
    assert (refused.status_code, "The sink stdout is disabled" in words_of(refused)) == (409, True)
    assert deliver(web.ledger, "stdout") == []


def test_a_sink_is_disabled_and_enabled_again(web):
    person = Person(web)
    page = person.follow(person.press("/sinks/stdout/disable"))
    assert "The sink is disabled" in words_of(page)
    assert web.ledger.sink_states()["stdout"]["state"] == "disabled"
    page = person.follow(person.press("/sinks/stdout/enable"))
    assert "The sink is enabled" in words_of(page)
    assert web.ledger.sink_states() == {}


def test_a_test_shows_what_was_sent_and_what_came_back_without_secrets(person, receiver):
    secret = secret_in(add(person, receiver))[0]
    answer = person.press("/sinks/crm/test")
    assert "answered 200" in words_of(answer)
    assert "legwork.ping" in answer.text
    assert secret not in answer.text
    assert "hidden-in-the-url" not in answer.text
    assert receiver.seen


def test_a_test_that_fails_says_why(person, receiver):
    add(person, receiver)
    receiver.close()
    assert "no answer" in words_of(person.press("/sinks/crm/test"))


def test_a_sink_of_the_settings_looks_at_itself(web):
    assert "OK: " in words_of(Person(web).press("/sinks/stdout/test"))


def test_a_rotation_shows_the_new_secret_once_and_is_finished_by_another_button(open_web, person, receiver):
    first = secret_in(add(person, receiver))[0]
    second = secret_in(person.press("/sinks/crm/rotate"))[0]
    open_web.ledger.refresh_sinks()
    assert open_web.ledger.sinks["crm"].secrets == (second, first)
    assert "Expire old secret" in person.read("/sinks/crm").text
    assert "The old secret is expired" in words_of(person.follow(person.press("/sinks/crm/finish")))
    open_web.ledger.refresh_sinks()
    assert open_web.ledger.sinks["crm"].secrets == (second,)


def test_removing_counts_first_and_asks(open_web, person, receiver):
    add(person, receiver)
    open_web.ledger.refresh_sinks()
    settle_calls(open_web, SID)
    asked = person.press("/sinks/crm/remove")
    assert "1 delivery waits for it" in words_of(asked)
    open_web.ledger.refresh_sinks()
    assert "crm" in open_web.ledger.sinks
    page = person.follow(person.press("/sinks/crm/remove", sure="1"))
    assert "One waiting delivery was discarded" in words_of(page)
    open_web.ledger.refresh_sinks()
    assert "crm" not in open_web.ledger.sinks


def test_of_deliveries_that_do_not_wait_nothing_is_said_when_a_sink_is_removed(person, receiver):
    add(person, receiver)
    asked = person.press("/sinks/crm/remove")
    assert "No more records are sent to it. Remove crm" in words_of(asked)
    assert "deliver" not in words_of(asked)
    assert successes(person.follow(person.press("/sinks/crm/remove", sure="1"))) == ["The sink is removed."]


def test_a_sink_of_the_settings_is_changed_there(web):
    person = Person(web)
    assert "Remove" not in person.read("/sinks/stdout").text
    for what in ("remove", "rotate", "finish"):
        answer = person.press(f"/sinks/stdout/{what}")
        assert answer.status_code in {404, 409}
        assert "settings" in words_of(answer)


def test_a_sink_that_there_is_not_is_told_as_a_page(web):
    person = Person(web)
    for answer in (person.read("/sinks/nobody"), person.press("/sinks/nobody/disable")):
        assert (answer.status_code, "no sink called nobody" in words_of(answer)) == (404, True)


def test_a_subscriber_that_no_key_decrypts_is_shown_and_can_be_removed(make_web, person, receiver):
    add(person, receiver)
    locked_out = Person(make_web(legwork_secret_key="QkJC" * 10 + "QkI="))
    assert "unusable" in words_of(locked_out.read("/sinks"))
    page = locked_out.read("/sinks/crm")
    assert (page.status_code, "Remove" in page.text, "Disable" in page.text) == (200, True, False)
    locked_out.press("/sinks/crm/remove", sure="1")
    assert "crm" not in words_of(locked_out.read("/sinks"))


def test_what_a_sink_did_not_get_stands_on_its_page(web):
    settle_calls(web, SID)
    bury_delivery(web, SID, answer="503: +919000000001 is blocked")
    page = words_of(Person(web).read("/sinks/stdout"))
    assert SID[:8] in page
    assert "503: …0001 is blocked" in page

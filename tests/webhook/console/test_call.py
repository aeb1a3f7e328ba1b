"""A call's page: its story, its legs, its numbers, and what can be done about it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from console_kit import NUMBERS, SID, Person, admit, bury_delivery, settle_calls, words_of
from factories import ACCOUNT, TOKEN, make_callback
from payloads.records import answer_of, build

from worker.ledger.backlog import Lane
from worker.ledger.call import Verdict
from worker.ledger.queries.lookup import in_order

PAGE = f"/calls/{SID}"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def person(web):
    return Person(web)


def numbers_in(answer):
    return [number for number in NUMBERS if number in answer.text]


def test_an_unknown_call_is_told_to_people_as_a_page(person):
    answer = person.read(PAGE)
    assert answer.status_code == 404
    assert "no such call in the ledger" in words_of(answer)


def test_the_story_is_told_in_the_order_in_which_it_happened(web, person):
    settle_calls(web, SID)
    bury_delivery(web, SID, answer="503: no room")
    page = words_of(person.read(PAGE))
    story = page[page.index("Timeline") : page.index("Record, revision 1")]
    # The step that tests note is of an early day.
    told = ["fetched 200: final", "callback status, terminal, the call has ended", "delivery to stdout 503: no room"]
    places = [story.index(text) for text in told]
    assert places == sorted(places)


def test_numbers_are_masked_on_the_page_in_its_json_and_in_its_drawing(web, person):
    settle_calls(web, SID)
    admit(web, SID, From="09000000001", To="+919000000002")
    page = person.read(PAGE)
    assert numbers_in(page) == []
    assert "…0002" in page.text
    assert numbers_in(person.read(f"{PAGE}/legs.svg")) == []


def test_what_others_wrote_in_a_callback_a_reason_and_a_status_is_masked_too(web, person):
    """Exotel repeats a number in its refusal, and whoever sends a callback may write one anywhere."""
    book = web.ledger.calls[ACCOUNT]
    admit(web, SID, EventType="+919000000077")
    book.admit(make_callback(SID), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = build(answer_of("S1"), call_sid=SID)
    event["data"] |= {"status": None, "reason": "404: no call of 09000000078"}
    event["data"]["legs"][0]["status"] = "9000000079"
    verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=[])
    assert book.decide(SID, lease, verdict)
    page = person.read(PAGE)
    assert "404: no call of …0078" in words_of(page)
    assert re.findall(r"90000000\d\d", page.text) == []
    assert re.findall(r"90000000\d\d", person.read(f"{PAGE}/legs.svg").text) == []
    assert "+919000000077" in person.press(f"{PAGE}/numbers").text


def test_the_newest_record_comes_first(web, person):
    """Ten came before nine, and what was given up on before what came of it after all."""
    assert in_order([b"10/corrected", b"9/corrected", b"partial", b"1/completed", b"1/unavailable"]) == [
        "1/unavailable",
        "1/completed",
        "9/corrected",
        "10/corrected",
    ]


def test_numbers_show_when_somebody_asks_and_the_log_says_so_without_them(web, person, capfd):
    settle_calls(web, SID)
    answer = person.press(f"{PAGE}/numbers")
    assert numbers_in(answer) == NUMBERS
    assert answer.headers["Cache-Control"] == "no-store"
    told = "".join(capfd.readouterr())
    (line,) = [line for line in told.splitlines() if "console.numbers_shown" in line]
    assert SID in line
    assert not any(number in told for number in NUMBERS)
    assert numbers_in(person.read(PAGE)) == [], "and only on the page that was asked for"


def test_asking_for_numbers_takes_a_button(person, web):
    settle_calls(web, SID)
    assert person.read(f"{PAGE}/numbers").status_code == 405


def test_a_number_as_a_number_and_a_sip_address_are_masked_too(web, person):
    admit(web, SID, From="sip:agentone1a2b3c", Extra="call 9000000002 back", CallTo="09000000003")
    page = person.read(PAGE)
    assert "9000000002" not in page.text
    assert "09000000003" not in page.text
    assert SID in page.text


def test_the_drawing_has_a_bar_for_every_leg_and_says_on_hovering_who_it_is(web, person):
    settle_calls(web, SID)
    answer = person.read(f"{PAGE}/legs.svg")
    assert answer.content_type.startswith("image/svg+xml")
    drawing = ET.fromstring(answer.text)
    legs = [group for group in drawing.findall(f"{SVG}g") if group.get("class").startswith("leg ")]
    assert [leg.get("class") for leg in legs] == ["leg caller", "leg callee", "leg callee"]
    for leg in legs:
        assert leg.find(f"{SVG}title").text.startswith(leg.get("class").split()[1])
        assert leg.findall(f"{SVG}rect[@class='talking']")
    assert "<svg" in person.read(PAGE).text


def test_a_call_without_legs_has_no_drawing(web, person):
    admit(web, SID)
    assert person.read(f"{PAGE}/legs.svg").status_code == 404
    assert "<h2>Legs" not in person.read(PAGE).text


def test_no_secret_shows_whatever_a_sink_answers(web, person):
    settle_calls(web, SID)
    bury_delivery(web, SID, answer=f"401: the-api-token and {TOKEN} are wrong")
    for answer in (person.read(PAGE), person.press(f"{PAGE}/numbers"), person.read("/dead"), person.read()):
        assert "the-api-token" not in answer.text
        assert TOKEN not in answer.text


@pytest.mark.parametrize("path", ["/", "/calls", "/dead", PAGE])
def test_why_a_call_was_given_up_on_shows_without_numbers_and_secrets(web, person, path):
    settle_calls(web, SID, outcome="dead", reason="401: the-api-token may not see +919000000077")
    page = person.read(path).text
    assert "may not see …0077" in page
    assert "the-api-token" not in page


def test_a_call_that_was_given_up_on_is_fetched_again_by_a_button(web, person):
    settle_calls(web, SID, outcome="dead", reason="404: no such call")
    assert "Fetch again" in person.read(PAGE).text
    page = person.follow(person.press(f"{PAGE}/fetch"))
    assert "The call is fetched again" in words_of(page)
    assert web.story(SID).summary.state == "waiting"
    assert "Fetch again" not in page.text


def test_a_call_that_waits_for_its_time_is_fetched_now_by_a_button(web, person):
    admit(web, SID)
    page = person.follow(person.press(f"{PAGE}/fetch"))
    assert "fetched as soon as the quota allows" in words_of(page)
    assert web.due_in(SID) <= 0
    again = person.follow(person.press(f"{PAGE}/fetch"))
    assert "The call is being fetched, or is about to be." in words_of(again)


def test_a_settled_call_is_read_once_more_by_a_button(web, person):
    settle_calls(web, SID)
    page = person.follow(person.press(f"{PAGE}/fetch"))
    assert "The call is read once more" in words_of(page)
    assert "read once more at lowest priority, soon" in words_of(page)
    assert web.story(SID).confirm_at_ms is not None


def test_a_call_that_nobody_knows_cannot_be_fetched(web, person):
    assert person.press("/calls/nosuchcall/fetch").status_code == 404


def test_a_record_is_delivered_again_by_a_button(web, person):
    settle_calls(web, SID)
    bury_delivery(web, SID)
    page = person.follow(person.press(f"{PAGE}/deliver", sink="stdout"))
    assert "One record is queued for delivery" in words_of(page)
    (delivery,) = web.story(SID).deliveries.values()
    assert delivery["state"] == "waiting"
    again = person.follow(person.press(f"{PAGE}/deliver"))
    assert "waits for its sink already" in words_of(again)


def test_delivering_to_a_sink_that_there_is_not_is_refused(web, person):
    settle_calls(web, SID)
    assert person.press(f"{PAGE}/deliver", sink="nobody").status_code == 404
    assert person.press("/calls/nosuchcall/deliver").status_code == 404


def test_what_was_done_is_logged_with_the_call(web, person, capfd):
    settle_calls(web, SID, outcome="dead", reason="404")
    person.press(f"{PAGE}/fetch")
    (line,) = [line for line in "".join(capfd.readouterr()).splitlines() if "console.changed" in line]
    assert SID in line
    assert "refetch" in line
    assert ACCOUNT not in web.ledger.sink_states()


def test_the_page_begins_with_a_sentence_and_what_people_look_for(web, person):
    settle_calls(web, SID)
    page = person.read(PAGE)
    words = words_of(page)
    assert re.search(r"(Inbound|Outbound) [^.]*\.", words)
    assert f'title="{SID}"' in page.text
    assert f'data-copy="{SID}"' in page.text


def test_who_ordered_what_stands_in_the_timeline(web, person):
    settle_calls(web, SID)
    bury_delivery(web, SID)
    person.press(f"{PAGE}/deliver", sink="stdout")
    person.press(f"{PAGE}/fetch")
    words = words_of(person.read(PAGE))
    assert "redelivery requested stdout/1/completed by the console" in words
    assert "retry requested by the console" in words


def test_a_delivery_that_waits_is_retried_now_by_a_button(web, person):
    settle_calls(web, SID)
    book = web.ledger.deliveries[ACCOUNT, "stdout"]
    (lease,) = book.backlog.lease(1)
    assert book.postpone(book.claim(lease), "503: no room", wait_seconds=3600, attempt=True)
    assert "Retry now" in person.read(PAGE).text
    page = words_of(person.follow(person.press(f"{PAGE}/deliver", sink="stdout")))
    assert "One delivery is retried now" in page
    assert "retry requested stdout/1/completed by the console" in page
    assert [each.item for each in book.backlog.lease(1)] == [lease.item]


def test_a_correction_is_told_as_what_changed(web, person):
    settle_calls(web, SID)
    book = web.ledger.calls[ACCOUNT]
    web.ledger.client.zadd(book.fetches.due_key(Lane.CONFIRM), {SID: 1})
    (lease,) = book.fetches.lease(1)
    book.claim(lease)
    event = build(answer_of("S1"), call_sid=SID, revision=2)
    event["data"] |= {"agent": "+919000000077", "talk_seconds": 99}
    verdict = Verdict("corrected", 2, event_key="2/corrected", event=event, sinks=["stdout"])
    assert book.decide(SID, lease, verdict)
    words = words_of(person.read(PAGE))
    assert words.index("Record, revision 2 corrected") < words.index("Record, revision 1 completed")
    changed = words[words.index("Changed:") : words.index("Record, revision 1 completed")]
    assert "→ …0077" in changed
    assert "→ 1:39" in changed


def test_a_record_can_be_saved_as_json_with_its_numbers_masked(web, person):
    settle_calls(web, SID)
    saved = person.read(f"{PAGE}/record.json")
    assert saved.get_json()["subject"] == SID
    assert numbers_in(saved) == []
    assert person.read(f"{PAGE}/record.json?record=1/completed").get_json() == saved.get_json()
    assert person.read(f"{PAGE}/record.json?record=7/completed").status_code == 404


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("https://recordings.exotel.example/acme1m/one.mp3", True),
        ("javascript:alert(1)", False),
        ("https://recordings.exotel.example/+919000000001.mp3", False),
    ],
)
def test_a_recording_is_a_link_unless_that_would_show_a_number_or_run_a_script(web, person, url, is_link):
    admit(web, SID, RecordingUrl=url)
    page = person.read(PAGE)
    assert (f'href="{url}"' in page.text) is is_link
    assert numbers_in(page) == []


def test_many_like_callbacks_are_one_line_that_opens(web, person):
    for _ in range(9):
        admit(web, SID, EventType="dial")
    page = person.read(PAGE)
    assert "9 \N{MULTIPLICATION SIGN} callback status, dial" in words_of(page)
    assert page.text.count('<a href="#callback-') == 9

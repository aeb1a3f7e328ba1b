from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run, settle
from console_kit import NUMBERS
from factories import ACCOUNT, make_callback

from worker.ledger.backlog import Lane
from worker.ledger.index import began_key

SETTLED, DEAD, WAITING = "settled0001", "dead00000001", "waiting00001"
HOUR_MS = 3_600_000


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, SETTLED)
    settle(ledger, DEAD, "dead", "404: unknown [call]")
    ledger.calls[ACCOUNT].admit(make_callback(WAITING), wait_seconds=50)
    return ledger


def test_a_search_that_finds_nothing_says_what_for_and_among_how_many(redis_url, ledger):
    found = run("calls", "find", "4711", redis_url=redis_url)
    assert "No call has a number that ends in 4711 or the custom field '4711'. 3 calls are kept" in found.output


def test_a_search_that_finds_nothing_exits_with_1_and_one_that_finds_with_0(redis_url, ledger):
    def code(number, *options):
        return run("calls", "find", number, *options, redis_url=redis_url).exit_code

    assert (code("+919000099999"), code("+919000000002")) == (1, 0)
    assert (code("+919000099999", "--json"), code("+919000000002", "--json")) == (1, 0)
    assert json_of("calls", "find", "+919000099999", code=1, redis_url=redis_url) == []


def test_the_list_has_every_call_once_the_newest_first(redis_url, ledger):
    listed = json_of("calls", "list", redis_url=redis_url)
    assert [(call["call_sid"], call["state"]) for call in listed] == [
        (WAITING, "waiting"),
        # These began at the same time.
        (SETTLED, "settled"),
        (DEAD, "dead"),
    ]
    assert listed[2]["reason"] == "404: unknown [call]"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "dead"], {DEAD}),
        (["--state", "fetching"], set()),
        (["--account", ACCOUNT, "--limit", "2"], {WAITING, SETTLED}),
    ],
)
def test_the_list_can_be_narrowed_down(redis_url, ledger, options, found):
    assert {call["call_sid"] for call in json_of("calls", "list", *options, redis_url=redis_url)} == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--since", "90m"], [WAITING, DEAD]),
        (["--since", "90m", "--state", "dead"], [DEAD]),
        (["--until", "90m"], [SETTLED]),
        (["--since", "4h", "--until", "30m"], [DEAD, SETTLED]),
        (["--since", "4h", "--limit", "1"], [WAITING]),
    ],
)
def test_a_span_of_time_goes_by_when_a_call_began(redis_url, ledger, options, found):
    now_ms = ledger.now_ms()
    ledger.client.zadd(began_key(ACCOUNT), {SETTLED: now_ms - 2 * HOUR_MS, DEAD: now_ms - HOUR_MS})
    listed = json_of("calls", "list", *options, redis_url=redis_url)
    assert [call["call_sid"] for call in listed] == found


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2026-09-16T11:00", "2026-09-16T11:01", [SETTLED]),
        ("2026-09-16T05:30Z", "2026-09-16T05:31Z", [SETTLED]),
        ("2026-09-16T10:59", "2026-09-16T11:00", []),
        ("2026-09-16T11:00Z", "2026-09-16T11:01Z", []),
    ],
)
def test_a_time_without_a_zone_is_what_the_clocks_of_the_account_show(redis_url, ledger, since, until, found):
    at = datetime(2026, 9, 16, 5, 30, tzinfo=UTC)
    ledger.client.zadd(began_key(ACCOUNT), {SETTLED: at.timestamp() * 1000, DEAD: 1})
    listed = json_of("calls", "list", "--since", since, "--until", until, redis_url=redis_url)
    assert [call["call_sid"] for call in listed] == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--outcome", "answered"], {SETTLED, DEAD}),
        (["--outcome", "missed"], set()),
        (["--direction", "outbound"], {SETTLED, DEAD}),
        (["--undelivered", "stdout"], {SETTLED, DEAD}),
    ],
)
def test_the_list_can_be_narrowed_down_by_what_happened(redis_url, ledger, options, found):
    assert {call["call_sid"] for call in json_of("calls", "list", *options, redis_url=redis_url)} == found


def test_a_sink_that_there_is_not_is_named(redis_url, ledger):
    result = run("calls", "list", "--undelivered", "crn", redis_url=redis_url)
    assert result.exit_code == 2
    assert "'crn' is no sink; there are stdout" in result.stderr


@pytest.mark.parametrize("number", ["+919000000002", "09000000002", "+91 90000-00002", "0002", "…0002"])
def test_calls_are_found_by_a_number_however_it_is_written(redis_url, ledger, number):
    ledger.calls[ACCOUNT].admit(make_callback("other0000001", From="09000000003"), wait_seconds=50)
    assert {call["call_sid"] for call in json_of("calls", "find", number, redis_url=redis_url)} == {SETTLED, DEAD}
    text = run("calls", "find", number, redis_url=redis_url).stdout
    assert SETTLED in text
    assert "9000000002" not in text
    assert "+919000000001" in run("calls", "find", number, "--numbers", redis_url=redis_url).stdout


def test_a_number_can_be_read_from_standard_input(redis_url, ledger):
    result = run("calls", "find", "-", "--json", redis_url=redis_url, typed="09000000002\n")
    assert {call["call_sid"] for call in json.loads(result.stdout)} == {SETTLED, DEAD}


def test_of_many_calls_the_latest_are_shown_and_that_there_are_more(redis_url, ledger):
    result = run("calls", "find", "0002", "--limit", "1", "--json", redis_url=redis_url)
    assert [call["call_sid"] for call in json.loads(result.stdout)] == [SETTLED]
    assert "the latest 1 are shown, there are more" in result.stderr


@pytest.mark.parametrize("text", ["", "+9", "…14", "x" * 300])
def test_what_cannot_be_looked_for_is_bad_usage(redis_url, text):
    result = run("calls", "find", text, redis_url=redis_url)
    assert result.exit_code == 2
    assert "give " in result.stderr


def test_a_settled_call_that_is_being_confirmed_is_settled(redis_url, ledger):
    fetches = ledger.calls[ACCOUNT].fetches
    ledger.client.zadd(fetches.due_key(Lane.CONFIRM), {SETTLED: 1})
    assert [lease.item for lease in fetches.lease(1)] == [SETTLED]
    states = {call["call_sid"]: call["state"] for call in json_of("calls", "list", redis_url=redis_url)}
    assert states[SETTLED] == "settled"
    # The page of a call that is about to change updates by itself: it stopped while the call was read.
    assert json_of("calls", "show", SETTLED, redis_url=redis_url)["confirm_at"] is not None


def test_people_see_what_comes_next(redis_url, ledger):
    text = run("calls", "list", redis_url=redis_url).stdout
    assert "fetch in" in text
    assert "404: unknown [call]" in text


@pytest.mark.parametrize("options", [["--account", "nobody"], ["--state", "asleep"], ["--limit", "0"]])
def test_what_cannot_be_listed_is_bad_usage(redis_url, options):
    assert run("calls", "list", *options, redis_url=redis_url).exit_code == 2


def test_the_story_has_all_that_the_ledger_holds(redis_url, ledger):
    story = json_of("calls", "show", SETTLED, redis_url=redis_url)
    assert (story["state"], story["revision"], story["fetches"]) == ("settled", 1, 1)
    assert [(callback["kind"], callback["event"]) for callback in story["callbacks"]] == [("status", "terminal")]
    assert [step["answer"] for step in story["steps"]] == ["200: final"]
    assert story["records"]["1/completed"]["subject"] == SETTLED
    assert list(story["deliveries"]) == ["stdout/1/completed"]


def test_the_story_draws_a_bar_for_each_leg_with_its_number(redis_url, ledger):
    text = run("calls", "show", SETTLED, "--numbers", redis_url=redis_url).stdout
    legs = json_of("calls", "show", SETTLED, "--numbers", redis_url=redis_url)["records"]["1/completed"]["data"]["legs"]
    for leg in legs:
        (line,) = [line for line in text.splitlines() if leg["role"] in line and leg["number"] in line]
        assert "█" in line


def test_the_story_of_a_dead_call_says_why(redis_url, ledger):
    assert "404: unknown [call]" in run("calls", "show", DEAD, redis_url=redis_url).stdout


def test_a_call_that_is_not_there_is_found_wrong(redis_url, ledger):
    result = run("calls", "show", "nowhere00001", redis_url=redis_url)
    assert result.exit_code == 1
    assert "no such call" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("sid", ["short", "with-a-dash", "x" * 65, "with space"])
def test_what_is_no_callsid_is_bad_usage(redis_url, sid):
    assert run("calls", "show", sid, redis_url=redis_url).exit_code == 2


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_exotel_wrote_is_listed_without_numbers_secrets_and_control_characters(redis_url, ledger, form):
    """`run` looks for the secrets."""
    settle(ledger, "dead00000002", "dead", f"404: no +919000000001 for {ENVIRON['EXOTEL_API_TOKEN']}\x1b[2J")
    text = run("calls", "list", *form, redis_url=redis_url).stdout
    assert "for ***" in text
    assert "9000000001" not in text
    assert "\x1b" not in text
    assert "\\u001b" not in text


def test_a_story_moves_no_cursor(redis_url, ledger):
    settle(ledger, "dead00000002", "dead", "404: no\x1b[2J")
    text = run("calls", "show", "dead00000002", redis_url=redis_url).stdout
    assert "404: no [2J" in text
    assert "\x1b" not in text


def test_a_listed_call_has_its_moments_in_utc_and_in_no_other_form(redis_url, ledger):
    call = json_of("calls", "list", "--limit", "1", redis_url=redis_url)[0]
    facts = {"started_at", "ended_at", "direction", "outcome", "customer", "agent", "talk_seconds", "duration_seconds"}
    more = {"legs", "custom_field", "deliveries"}
    assert call.keys() == {"account_sid", "call_sid", "state", "at", "since", "reason"} | facts | more
    assert call["since"].endswith("Z")


def test_calls_are_fetched_now_whatever_their_schedules_say(redis_url, ledger):
    asked = ("calls", "fetch", WAITING, SETTLED, DEAD, WAITING)
    outcomes = {each["call_sid"]: (each["outcome"], each["queued"]) for each in json_of(*asked, redis_url=redis_url)}
    assert outcomes == {WAITING: ("sooner", True), SETTLED: ("confirm", True), DEAD: ("retried", True)}
    text = run(*asked, redis_url=redis_url).stdout
    assert text.count("already in progress or due.") == 3


def test_of_calls_to_be_fetched_those_that_there_are_not_are_named(redis_url, ledger):
    result = run("calls", "fetch", "nowhere00001", WAITING, redis_url=redis_url)
    assert result.exit_code == 1
    assert "nowhere00001: no such call in the ledger" in result.stderr
    assert f"{WAITING}: queued: fetched as soon as the quota allows." in result.stdout
    assert run("calls", "fetch", redis_url=redis_url).exit_code == 2


def test_a_call_that_is_read_once_more_says_from_when_on(redis_url, ledger):
    """Whoever has erased a number has to know: the reading may bring it back."""
    assert json_of("calls", "show", SETTLED, redis_url=redis_url)["confirm_at"] is None
    confirm = ledger.calls[ACCOUNT].fetches.due_key(Lane.CONFIRM)
    ledger.client.zadd(confirm, {SETTLED: 1_790_000_000_000})
    assert json_of("calls", "show", SETTLED, redis_url=redis_url)["confirm_at"] == "2026-09-21T14:13:20.000Z"
    assert "confirming read at" in run("calls", "show", SETTLED, redis_url=redis_url).stdout


def test_a_listed_call_tells_what_happened_and_how_far_its_deliveries_are(redis_url, ledger):
    (call,) = json_of("calls", "list", "--state", "settled", redis_url=redis_url)
    assert (call["direction"], call["outcome"]) == ("outbound", "answered")
    assert (call["customer"], call["agent"]) == ("…0002", "…0001")
    assert (call["legs"], call["deliveries"]) == (3, {"done": 0, "of": 1})
    (whole,) = json_of("calls", "list", "--state", "settled", "--numbers", redis_url=redis_url)
    assert (whole["customer"], whole["agent"]) == ("+919000000002", "+919000000001")


def test_a_call_is_one_line_at_80_columns(redis_url, ledger):
    lines = run("calls", "list", redis_url=redis_url, COLUMNS="80").stdout.rstrip().splitlines()
    calls = [line for line in lines if "Sep" in line or "fetch" in line]
    assert len(calls) == 3, "three calls are three lines"
    assert max(map(len, lines)) <= 80
    assert [text in calls[1] for text in (SETTLED[:6], "answered", "…0001", "…0002", "final")] == [True] * 5


@pytest.mark.parametrize("beginning", [SETTLED[:6], SETTLED[:9]])
def test_a_call_is_shown_by_the_beginning_of_its_sid(redis_url, ledger, beginning):
    assert json_of("calls", "show", beginning, redis_url=redis_url)["call_sid"] == SETTLED


def test_a_beginning_of_several_calls_names_them(redis_url, ledger):
    ledger.calls[ACCOUNT].admit(make_callback("settled0002"), wait_seconds=50)
    result = run("calls", "show", "settled0", redis_url=redis_url)
    assert result.exit_code == 1
    assert "several calls begin so: settled0001, settled0002; give more of it" in result.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_story_holds_numbers_if_they_are_asked_for_and_no_secret(redis_url, ledger, options):
    """A sink had said our key back to us, and it stood in the story."""
    book = ledger.deliveries[ACCOUNT, "stdout"]
    owed = book.claim(book.backlog.lease(1)[0])
    assert book.bury(owed, "401: the-api-key may not call +919000000088")
    sid = owed.lease.item.split("/")[0]
    masked = run("calls", "show", sid, *options, redis_url=redis_url).stdout
    assert "401: *** may not call" in masked
    assert not [number for number in NUMBERS if number in masked]
    whole = run("calls", "show", sid, "--numbers", *options, redis_url=redis_url).stdout
    assert "401: *** may not call +919000000088" in whole

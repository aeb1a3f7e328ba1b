"""The endpoints of the API: each answers and does what the command line does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cli_kit import json_of
from console_kit import NUMBERS, admit, bury_delivery, settle_calls
from factories import ACCOUNT
from structlog.testing import capture_logs
from subscribing import KEY

from worker.ledger.index import began_key
from worker.ledger.meters import RECEIVED

SETTLED, DEAD, BURIED = "settled00001", "dead00000001", "buried000001"


@pytest.fixture
def web(make_web):
    return make_web(legwork_secret_key=KEY)


@pytest.fixture
def stocked(web):
    """One settled call, one whose delivery was given up on, and one whose fetch was."""
    settle_calls(web, SETTLED, BURIED)
    settle_calls(web, DEAD, outcome="dead", reason="404: unknown +919000000001")
    bury_delivery(web, BURIED)
    return web


def without_ages(document):
    """A document without what passes between two looks."""
    if isinstance(document, dict):
        return {key: without_ages(part) for key, part in document.items() if not key.endswith("_seconds")}
    return document


def ids(web, **query):
    return [letter["id"] for letter in web.get("/api/dead", query_string=query).json["dead"]]


def test_the_status_is_that_of_the_command_line(stocked, redis_url):
    # 1: no worker is running.
    of_the_command = json_of("status", code=1, redis_url=redis_url)
    assert without_ages(stocked.get("/api/status").json) == without_ages(of_the_command)


def test_calls_come_page_by_page_each_once(stocked):
    first = stocked.get("/api/calls?limit=2").json
    rest = stocked.get("/api/calls", query_string={"limit": 2, "after": first["next"]}).json
    found = [call["call_sid"] for call in first["calls"] + rest["calls"]]
    assert (sorted(found), rest["next"]) == (sorted([SETTLED, DEAD, BURIED]), None)


def test_calls_can_be_narrowed_down_and_their_reasons_hold_no_number(stocked):
    (call,) = stocked.get("/api/calls?state=dead").json["calls"]
    assert call["call_sid"] == DEAD
    assert "919000000001" not in call["reason"]
    assert stocked.get("/api/calls?account=nobody").status_code == 404


def test_calls_of_a_span_of_time_are_those_that_began_in_it(web):
    admit(web, "early0001", "later0001")
    web.ledger.client.zadd(began_key(ACCOUNT), {"early0001": 1_789_536_600_000, "later0001": 1_789_537_200_000})
    for span, expected in (
        ({"since": "2026-09-16T11:05:00+05:30"}, ["later0001"]),
        ({"until": "2026-09-16T05:40:00Z"}, ["early0001"]),
        ({"since": "2026-09-16T05:30:00Z", "until": "2026-09-16T05:40:01Z"}, ["later0001", "early0001"]),
    ):
        answer = web.get("/api/calls", query_string=span).json
        assert [call["call_sid"] for call in answer["calls"]] == expected


@pytest.mark.parametrize(
    "query", ["since=2026-09-16T11:00", "state=asleep", "limit=0", "limit=201", "after=nan-settled00001", "after=x"]
)
def test_what_cannot_be_listed_is_refused_by_its_name(stocked, query):
    refused = stocked.get(f"/api/calls?{query}")
    assert (refused.status_code, list(refused.json["errors"])) == (422, [query.split("=")[0]])


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("/api/calls?after=1790000000000.5-settled00001%0A", "after"),
        ("/api/dead?after=1790000000000.5-settled00001/fetch/%0A", "after"),
    ],
)
def test_a_line_end_behind_a_place_is_refused(stocked, query, named):
    """Python's `$` lets one through; what reads the place did not, and that was a bug of ours."""
    refused = stocked.get(query)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [named])
    looked_on = stocked.post("/api/calls/search", json={"text": "09000000001", "after": f"1-{SETTLED}\n"})
    assert (looked_on.status_code, list(looked_on.json["errors"])) == (422, ["after"])


@pytest.mark.parametrize("since", ["2026-09-16", "2026-09-16T11:00:00", "2026-09-16T11:00:00+05:30", "yesterday"])
def test_whoever_writes_no_moment_is_told_how_to(stocked, since):
    """`Not a valid datetime.` was all there was to read for a plus that a URL makes a space of."""
    (text,) = stocked.get(f"/api/calls?since={since}").json["errors"]["since"]
    assert "2026-09-16T05:30:00Z" in text
    assert "%2B" in text


@pytest.mark.parametrize("text", ["09000000001", "…0001", "001", SETTLED[:7], "order_79"])
def test_a_call_is_found_by_what_is_shown_of_it(stocked, text):
    admit(stocked, "settledfield", CustomField="order_79")
    found = stocked.post("/api/calls/search", json={"text": text}).json
    sids = {call["call_sid"] for call in found["calls"]}
    assert sids >= ({"settledfield"} if text == "order_79" else {SETTLED})
    assert found["next"] is None


def test_a_search_that_finds_nothing_is_an_empty_list_and_one_for_nothing_is_refused(stocked):
    assert stocked.post("/api/calls/search", json={"text": "hello"}).json["calls"] == []
    refused = stocked.post("/api/calls/search", json={"text": "14"})
    assert refused.status_code == 422
    assert "last 3 digits" in refused.json["errors"]["text"][0]


def test_a_listed_call_shows_its_numbers_only_if_they_are_asked_for_which_is_logged(stocked, redis_url):
    (hidden,) = stocked.get("/api/calls?state=dead").json["calls"]
    assert (hidden["customer"], hidden["outcome"]) == ("…0002", "answered")
    with capture_logs() as logs:
        (whole,) = stocked.get("/api/calls?state=dead&numbers=true").json["calls"]
        stocked.post("/api/calls/search", json={"text": "0001", "numbers": True})
    assert whole["customer"] == "+919000000002"
    assert len([line for line in logs if line["event"] == "api.numbers_shown"]) == 2
    (of_the_command,) = json_of("calls", "list", "--state", "dead", redis_url=redis_url)
    assert of_the_command == hidden


def test_calls_can_be_narrowed_down_by_what_happened(stocked):
    def sids(**query):
        return {call["call_sid"] for call in stocked.get("/api/calls", query_string=query).json["calls"]}

    assert sids(outcome="answered", direction="outbound") == {SETTLED, BURIED, DEAD}
    assert sids(outcome="busy") == set()
    assert sids(undelivered="stdout") == {SETTLED, BURIED, DEAD}
    assert stocked.get("/api/calls?undelivered=crm").status_code == 404


def test_a_story_hides_its_numbers_until_they_are_asked_for_which_is_logged(stocked, redis_url):
    hidden = stocked.get(f"/api/calls/{SETTLED}")
    assert hidden.status_code == 200
    assert not [number for number in NUMBERS if number in hidden.text]
    assert hidden.json == json_of("calls", "show", SETTLED, redis_url=redis_url)
    with capture_logs() as logs:
        shown = stocked.get(f"/api/calls/{SETTLED}?numbers=true").json
    assert shown == json_of("calls", "show", SETTLED, "--numbers", redis_url=redis_url)
    assert [line["call_sid"] for line in logs if line["event"] == "api.numbers_shown"] == [SETTLED]


def test_any_call_is_fetched_whatever_its_schedule_says(stocked):
    def outcome(sid):
        answer = stocked.post(f"/api/calls/{sid}/fetch").json
        assert answer["queued"] == (answer["outcome"] != "under_way")
        return answer["outcome"]

    assert [outcome(DEAD), outcome(DEAD)] == ["retried", "under_way"]
    assert [outcome(SETTLED), outcome(SETTLED)] == ["confirm", "under_way"]


def test_a_call_is_delivered_again_to_one_sink(stocked):
    done = stocked.post(f"/api/calls/{BURIED}/deliver", json={"sink": "stdout"}).json
    assert done["sinks"]["stdout"]["queued"] == 1
    assert stocked.get("/api/dead").json["count"] == 1
    assert stocked.post(f"/api/calls/{BURIED}/deliver", json={"sink": "crm"}).status_code == 404


@pytest.mark.parametrize("path", ["", "/fetch", "/deliver"])
def test_a_call_that_is_not_there_is_not_found(stocked, path):
    refused = stocked.client.open(f"/api/calls/nowhere00001{path}", method="POST" if path else "GET")
    assert (refused.status_code, "no such call" in refused.json["detail"]) == (404, True)


def test_the_dead_are_counted_by_reason_and_listed_page_by_page(stocked):
    first = stocked.get("/api/dead?limit=1").json
    assert (first["count"], first["counted"]) == (2, 2)
    assert {(each["what"], each["count"]) for each in first["reasons"]} == {("fetch", 1), ("stdout", 1)}
    rest = stocked.get("/api/dead", query_string={"limit": 1, "after": first["next"]}).json
    assert [letter["id"] for letter in first["dead"] + rest["dead"]] == ids(stocked)
    assert (len(ids(stocked)), rest["next"], rest["reasons"]) == (2, None, [])
    assert ids(stocked, sink="stdout") == [f"{BURIED}/stdout/1/completed"]


def test_letters_given_up_on_at_one_moment_are_each_on_one_page(stocked):
    settle_calls(stocked, *(f"dead0000100{number}" for number in range(5)), outcome="dead", reason="404")
    key = stocked.ledger.calls[ACCOUNT].key("dead")
    for member in stocked.redis.zrange(key, 0, -1):
        stocked.redis.zadd(key, {member: 1_790_000_000_000})
    found, after = [], None
    while after is not None or not found:
        page = stocked.get("/api/dead", query_string={"limit": 2, **({"after": after} if after else {})}).json
        found += [letter["id"] for letter in page["dead"]]
        after = page["next"]
    assert (len(found), sorted(found)) == (7, sorted(ids(stocked)))


def test_a_dry_run_counts_and_changes_nothing(stocked):
    for verb in ("retry", "drop"):
        counted = stocked.post(f"/api/dead/{verb}", json={"all": True, "dry_run": True}).json
        assert counted == {"dry_run": True, "calls": 1, "deliveries": 1, "wrong": []}
    assert len(ids(stocked)) == 2


@pytest.mark.parametrize("choice", [{"reason": "503"}, {"sink": "stdout"}, {"ids": [f"{BURIED}/stdout/1/completed"]}])
def test_the_dead_are_chosen_by_what_they_have_in_common_or_one_by_one(stocked, choice):
    done = stocked.post("/api/dead/retry", json=choice).json
    assert (done["calls"], done["deliveries"], done["wrong"]) == (0, 1, [])
    assert ids(stocked) == [f"{DEAD}/fetch/"]


def test_dropping_all_of_the_dead_leaves_none_and_an_id_of_none_is_named(stocked):
    gone = ids(stocked)
    assert stocked.post("/api/dead/drop", json={"all": True}).json["calls"] == 1
    again = stocked.post("/api/dead/drop", json={"ids": gone}).json
    assert (again["calls"], again["deliveries"], again["wrong"]) == (0, 0, gone)


@pytest.mark.parametrize("choice", [{}, {"all": False}, {"all": True, "sink": "stdout"}, {"ids": []}, {"ids": ["x"]}])
def test_a_choice_that_is_none_or_two_is_refused(stocked, choice):
    assert stocked.post("/api/dead/drop", json=choice).status_code == 422
    assert len(ids(stocked)) == 2


def test_a_span_of_time_is_replayed_and_counted_first(stocked):
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    counted = stocked.post("/api/replay", json={"since": since, "dry_run": True}).json
    assert (counted["sinks"]["stdout"]["to_queue"], counted["sinks"]["stdout"]["queued"]) == (1, 0)
    done = stocked.post("/api/replay", json={"since": since}).json
    assert done["sinks"]["stdout"]["queued"] == 1


def test_calls_are_replayed_by_name_and_those_that_cannot_be_are_named(stocked):
    done = stocked.post("/api/replay", json={"call_sids": [BURIED, "nowhere00001"]}).json
    assert (done["sinks"]["stdout"]["queued"], list(done["wrong"])) == (1, ["nowhere00001"])


@pytest.mark.parametrize(
    "given", [{}, {"until": "2026-09-16T05:30:00Z"}, {"call_sids": ["x"]}, {"since": "2099-01-01T00:00:00Z"}]
)
def test_a_replay_of_nothing_in_particular_is_refused(stocked, given):
    assert stocked.post("/api/replay", json=given).status_code == 422


def test_a_replay_of_a_type_that_is_none_of_ours_is_refused_with_the_nearest(stocked):
    refused = stocked.post("/api/replay", json={"since": "2026-09-16T05:30:00Z", "type": "legwork.call.complete"})
    assert refused.status_code == 422
    (said,) = refused.json["errors"]["type"]
    assert said.startswith("It is not a type of record (did you mean legwork.call.completed?). Must be one of: ")


def test_accounts_tell_of_quota_and_suspension(stocked):
    stocked.ledger.calls[ACCOUNT].bucket.suspend("402: no credit")
    (account,) = stocked.get("/api/accounts").json
    assert (account["account_sid"], account["state"], account["reason"]) == (ACCOUNT, "suspended", "402: no credit")
    assert account["quota"]["limit"] == 200


def test_minutes_count_what_happened_in_each(stocked):
    from worker import metrics

    stocked.ledger.meters.count(metrics.CALLBACKS, ACCOUNT, "status", "new", over=RECEIVED)
    stocked.ledger.meters.flush()
    counted = stocked.get("/api/minutes?minutes=2").json
    assert len(counted) == 2
    assert sum(minute["received"] for minute in counted) == 1


def test_a_change_is_logged_with_who_made_it(stocked):
    """A search was logged as one, for it is posted; and that a sink was removed, as `sinks.OneSink`."""
    with capture_logs() as logs:
        stocked.post(f"/api/calls/{DEAD}/fetch")
        stocked.post("/api/calls/search", json={"number": "09000000001"})
        stocked.get("/api/status")
        stocked.post("/api/sinks", json={"name": "crm", "url": "https://crm.example.com/"})
        stocked.client.delete("/api/sinks/crm")
    changes = [line for line in logs if line["event"] == "api.changed"]
    assert [line["operation"] for line in changes] == ["calls.fetch", "sinks.add", "sinks.remove"]
    assert changes[-1]["name"] == "crm"


@pytest.mark.parametrize("path", ["/api/status", f"/api/calls/{SETTLED}?numbers=true", "/api/calls/nowhere00001"])
def test_no_answer_is_kept_by_anything_between(stocked, path):
    assert stocked.get(path).headers["Cache-Control"] == "no-store"

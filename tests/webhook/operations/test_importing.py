"""Calls are imported by the command, the API and the console alike: the price first, then behind live calls, once."""

from __future__ import annotations

import io
import json
import re

import pytest
from cli_kit import json_of, open_ledger, run, settle
from console_kit import Person, admit, settle_calls, words_of
from factories import ACCOUNT, make_callback

from worker.ledger.backlog import Lane

KNOWN, WAITING = "settled00001", "waiting00001"
NEW = [f"imported{number:04}" for number in range(3)]


@pytest.fixture
def ledger(redis_url):
    ledger = open_ledger(redis_url)
    settle(ledger, KNOWN)
    return ledger


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sids.txt"
    path.write_text("\n".join([*NEW, KNOWN, "not one", NEW[0]]))
    return str(path)


def waiting_in(ledger, lane):
    return [raw.decode() for raw in ledger.client.zrange(ledger.calls[ACCOUNT].fetches.due_key(lane), 0, -1)]


def test_an_import_counts_tells_the_price_and_queues_behind_live_calls(redis_url, ledger, file):
    told = json_of("import", file, "--yes", code=1, redis_url=redis_url)
    assert told == {
        "given": 4,
        "known": 1,
        "new": 3,
        "unusable": [{"line": 5, "text": "not one", "reason": "not a CallSid: 8 to 64 letters and digits"}],
        "unusable_count": 1,
        "cost": {"requests": 3, "seconds": 0.9},
        "queued": 3,
    }
    assert (sorted(waiting_in(ledger, Lane.RECONCILE)), waiting_in(ledger, Lane.LIVE)) == (NEW, [])
    again = json_of("import", file, "--yes", code=1, redis_url=redis_url)
    assert (again["known"], again["new"], again["queued"]) == (4, 0, 0)


def test_a_dry_run_changes_nothing(redis_url, ledger, file):
    before = {key: ledger.client.dump(key) for key in ledger.client.scan_iter(match="lw:{*}*")}
    told = json_of("import", file, "--dry-run", code=1, redis_url=redis_url)
    assert (told["new"], told["queued"]) == (3, 0)
    assert {key: ledger.client.dump(key) for key in ledger.client.scan_iter(match="lw:{*}*")} == before


def test_people_are_told_the_price_and_what_could_not_be_used(redis_url, ledger, file):
    result = run("import", file, "--yes", redis_url=redis_url)
    assert result.exit_code == 1
    assert "4 calls: 1 known, 3 new; 3 requests or more, about 1 s of quota, live calls go first" in result.output
    assert "Calls queued: 3." in result.output
    assert "line 5: 'not one': not a CallSid" in result.output


def test_without_a_terminal_it_asks_for_yes(redis_url, ledger, file):
    result = run("import", file, redis_url=redis_url)
    assert result.exit_code == 2
    assert "--dry-run tells what it would do" in result.stderr


def test_a_list_comes_from_standard_input_too(redis_url, ledger):
    result = run("import", "-", "--yes", "--json", redis_url=redis_url, typed=f"CallSid\n{NEW[0]}\n")
    assert (result.exit_code, json.loads(result.stdout)["queued"]) == (0, 1)


@pytest.mark.parametrize(
    ("content", "right"), [("", "it is empty"), ("Status,From\nx,y\n", "no column is named CallSid, Sid or call_sid")]
)
def test_what_is_no_list_is_bad_usage(redis_url, ledger, tmp_path, content, right):
    (tmp_path / "odd.csv").write_text(content)
    result = run("import", str(tmp_path / "odd.csv"), "--yes", redis_url=redis_url)
    assert result.exit_code == 2
    assert right in result.stderr
    assert run("import", str(tmp_path / "none.txt"), "--yes", redis_url=redis_url).exit_code == 2
    assert run("import", str(tmp_path / "odd.csv"), "--account", "nobody", redis_url=redis_url).exit_code == 2


def test_a_number_in_a_line_that_cannot_be_used_is_masked(redis_url, ledger):
    result = run("import", "-", "--yes", "--json", redis_url=redis_url, typed=f"{NEW[0]}\n+919000000614\n")
    assert json.loads(result.stdout)["unusable"][0]["text"] == "…0614"


def test_a_known_call_is_left_as_it_is(redis_url, ledger):
    ledger.calls[ACCOUNT].admit(make_callback(WAITING), wait_seconds=50)
    key, due = ledger.calls[ACCOUNT].key("call", WAITING), ledger.calls[ACCOUNT].fetches.due_key(Lane.LIVE)
    before = ledger.client.lrange(key, 0, -1), ledger.client.zscore(due, WAITING)
    run("import", "-", "--yes", redis_url=redis_url, typed=f"{WAITING}\n")
    assert (ledger.client.lrange(key, 0, -1), ledger.client.zscore(due, WAITING)) == before


def test_a_callback_that_comes_after_all_is_added_and_the_call_is_fetched_once(redis_url, ledger):
    run("import", "-", "--yes", redis_url=redis_url, typed=f"{NEW[0]}\n")
    assert ledger.calls[ACCOUNT].admit(make_callback(NEW[0]), wait_seconds=50) is False
    story = json_of("calls", "show", NEW[0], redis_url=redis_url)
    assert [callback["kind"] for callback in story["callbacks"]] == ["imported", "status"]
    assert waiting_in(ledger, Lane.RECONCILE) + waiting_in(ledger, Lane.LIVE) == [NEW[0]]


def test_the_api_takes_json_and_csv(web):
    settle_calls(web, KNOWN)
    told = web.post("/api/import", json={"call_sids": [*NEW, KNOWN, "no"], "dry_run": True}).json
    assert (told["given"], told["known"], told["new"], told["unusable_count"], told["queued"]) == (4, 1, 3, 1, 0)
    csv = web.post("/api/import", data=f"CallSid\n{NEW[0]}\n", headers={"Content-Type": "text/csv"}).json
    assert (csv["new"], csv["queued"]) == (1, 1)
    asked = web.post("/api/import?dry_run=true", data="\n".join(NEW), headers={"Content-Type": "text/csv"}).json
    assert (asked["known"], asked["new"], asked["queued"]) == (1, 2, 0)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"json": {}}, "call_sids"),
        ({"json": {"call_sids": []}}, "call_sids"),
        ({"json": {"call_sids": ["settled00001"], "account": "nobody"}}, "account"),
        ({"json": {"call_sids": ["settled00001"], "surprise": 1}}, "surprise"),
        ({"data": "Status,From\nbusy,1\n", "headers": {"Content-Type": "text/csv"}}, "call_sids"),
    ],
)
def test_the_api_refuses_what_it_cannot_use_by_its_name(web, body, named):
    refused = web.post("/api/import", **body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, [named])
    assert web.post("/api/import", data="x", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_long_list_is_taken_where_a_long_callback_is_not(web):
    calls = [f"{number:032}" for number in range(20_000)]
    told = web.post("/api/import", json={"call_sids": calls, "dry_run": True}).json
    assert told["new"] == len(calls)


def test_the_page_counts_first_and_imports_then(web):
    settle_calls(web, KNOWN)
    person = Person(web)
    assert "/calls/import" in person.read("/calls").text
    counted = person.press("/calls/import", call_sids="\n".join([*NEW, KNOWN, "no"]))
    said = words_of(counted)
    assert "Import 3 calls?" in said
    assert "4 CallSids given, 1 known already, 3 new" in said
    assert "At least 3 requests to Exotel" in said
    assert waiting_in(web.ledger, Lane.RECONCILE) == []
    listed = re.search(r'<textarea name="call_sids" hidden>(.*?)</textarea>', counted.text, re.DOTALL)[1]
    done = person.follow(person.press("/calls/import/queue", account=ACCOUNT, call_sids=listed))
    assert "3 calls are queued" in words_of(done)
    assert sorted(waiting_in(web.ledger, Lane.RECONCILE)) == NEW


def test_the_page_takes_a_file_and_says_what_is_wrong_with_one(web):
    admit(web, WAITING)
    person = Person(web)

    def send(content):
        fields = {"token": person.token(), "file": (io.BytesIO(content), "calls.csv")}
        return person.open("POST", "/calls/import", data=fields, content_type="multipart/form-data")

    assert "Import 1 call?" in words_of(send(f"CallSid,From\n{NEW[0]},1\n{WAITING},2\n".encode()))
    refused = send(b"\x89PNG\r\n\x1a\n\x00")
    assert refused.status_code == 400
    assert "Line 1 is not text in UTF-8" in words_of(refused)

"""`legwork forget`: a whole life of calls, and afterwards nothing holds the number: no key, no file, no log line."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from cli_kit import ENVIRON, json_of, open_ledger, run
from factories import ACCOUNT, make_callback
from payloads.records import VALIDATOR, build, legs_of
from payloads.samples import CALLBACKS
from processes import until
from terminal import seen_on_a_terminal
from web_app import PASSTHRU, STATUS, WebApp

from webhook.operations.erasure import ErasureInterrupted
from webhook.operations.erasure import forget as forget_number
from worker.errors import LastAnswer
from worker.ledger import codec
from worker.ledger.call import Verdict
from worker.sinks import sink_for

NUMBER, DIGITS = "+919000000001", "9000000001"
DELIVERED, DEAD, OTHER = "delivered001", "deadletter01", "somebodyelse"
STARTING = "calls00001"


def sinks_in(folder):
    return f"file://{folder}/records.jsonl folder://{folder}/days sqlite:///{folder}/calls.db redis://localhost:1/0?stream=x"


def settled(ledger, call_sid, number="09000000001", **params):
    """Let a call come, be fetched and settled; its record waits for every sink."""
    book = ledger.calls[ACCOUNT]
    book.admit(make_callback(call_sid, From=number, **params), wait_seconds=0)
    (lease,) = book.fetches.lease(1)
    owed = book.claim(lease)
    legs = legs_of(("outbound", number, "completed", 25), ("outbound-dial", "09000000077", "completed", 9))
    event = build(legs, owed.callbacks, call_sid=call_sid)
    step = {"at": 1_790_000_000_000, "step": "fetch", "answer": f"404: {number} is unknown"}
    verdict = Verdict("settled", 1, event_key="1/completed", event=event, sinks=list(ledger.sinks), step=step)
    assert book.decide(call_sid, lease, verdict)


def deliver(ledger, name):
    """Really deliver what waits for a sink."""
    book = ledger.deliveries[ACCOUNT, name]
    sink = sink_for(ledger.sinks[name])
    if name != "redis-localhost":
        sink.open()
    for lease in book.backlog.lease(100):
        owed = book.claim(lease)
        if name != "redis-localhost":
            sink.send([owed.event])
        book.delivered(owed, "written")
    sink.close()


def everything(client):
    """All that Redis holds, unpacked, as one text."""
    parts = []
    for key in client.scan_iter():
        kind = client.type(key).decode()
        values = {
            "list": lambda key=key: client.lrange(key, 0, -1),
            "hash": lambda key=key: [part for pair in client.hgetall(key).items() for part in pair],
            "zset": lambda key=key: client.zrange(key, 0, -1),
            "string": lambda key=key: [client.get(key)],
        }[kind]()
        parts += [key, *values]
        for value in values:
            with suppress(Exception):
                sid = key.decode().rpartition(":")[2]
                parts.append(orjson.dumps(codec.unpack_callback(value, sid).params))
            with suppress(Exception):
                parts.append(orjson.dumps(codec.unpack_event(value)))
            with suppress(zlib.error):
                parts.append(zlib.decompress(value))
    return b"\n".join(parts).decode("utf-8", "replace")


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def ledger(redis_url, folder):
    ledger = open_ledger(redis_url, sinks=sinks_in(folder))
    settled(ledger, DELIVERED, CustomField=json.dumps({"phone": NUMBER}))
    settled(ledger, OTHER, "09000000002")
    for name in ledger.sinks:
        deliver(ledger, name)
    settled(ledger, DEAD)
    book = ledger.deliveries[ACCOUNT, next(iter(ledger.sinks))]
    (lease,) = book.backlog.lease(1)
    said = LastAnswer(422, f"no {NUMBER}", 1.0)
    assert book.bury(book.claim(lease), f"422: no {NUMBER}", last_answer=said)
    return ledger


def forget(redis_url, folder, *arguments, **environ):
    return run("forget", *arguments, redis_url=redis_url, sinks=sinks_in(folder), **environ)


def receipt_of(redis_url, folder, *arguments):
    return json_of("forget", *arguments, redis_url=redis_url, sinks=sinks_in(folder))


def files_in(folder):
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()).decode(
        "utf-8", "replace"
    )


def test_after_a_whole_life_nothing_holds_the_number(redis_url, folder, ledger, client):
    assert DIGITS in everything(client)
    assert DIGITS in files_in(folder)
    result = forget(redis_url, folder, NUMBER, "--yes", "--json")
    assert result.exit_code == 0, result.output
    assert DIGITS not in everything(client)
    assert DIGITS not in files_in(folder)
    assert DIGITS not in result.output
    assert "privacy.forgotten" in result.stderr
    assert "9000000002" in everything(client), "somebody else's number stays"
    assert "9000000002" in files_in(folder)


def test_the_receipt_says_what_was_found_where(redis_url, folder, ledger):
    receipt = receipt_of(redis_url, folder, "09000000001", "--yes")
    assert receipt["number"] == "…0001"
    assert receipt["complete"] is True
    assert receipt["accounts"] == [ACCOUNT]
    counts = {place: count["erased"] for place, count in receipt["ledger"].items()}
    assert (counts["calls"], counts["callbacks"], counts["records"], counts["legs"]) == (2, 2, 2, 2)
    assert (counts["deliveries"], counts["dead_letters"]) == (3, 1)
    assert [(one["found"], one["erased"], one["problem"]) for one in receipt["files"]] == [(1, 1, None)] * 3
    assert receipt["elsewhere"] == [{"sink": "redis-localhost", "calls": [DELIVERED]}]
    assert receipt["append_only_file"] == "off"
    again = receipt_of(redis_url, folder, NUMBER, "--yes")
    assert {count["found"] for count in again["ledger"].values()} == {0}


def test_a_sink_that_is_no_more_is_named_with_what_it_has_got(redis_url, folder, ledger):
    """It was passed over, and the next run finds nothing: who had got the number could not be learned any more."""
    left = " ".join(url for url in sinks_in(folder).split() if not url.startswith("redis"))
    receipt = json_of("forget", NUMBER, "--yes", redis_url=redis_url, sinks=left)
    assert receipt["elsewhere"] == [{"sink": "redis-localhost", "calls": [DELIVERED]}]


def test_a_dry_run_counts_the_same_and_changes_nothing(redis_url, folder, ledger, client):
    before = everything(client), files_in(folder)
    counted = receipt_of(redis_url, folder, NUMBER, "--dry-run")
    assert (everything(client), files_in(folder)) == before
    done = receipt_of(redis_url, folder, NUMBER, "--yes")
    assert {name: count["found"] for name, count in counted["ledger"].items()} == {
        name: count["erased"] for name, count in done["ledger"].items()
    }
    assert {count["erased"] for count in counted["ledger"].values()} == {0}


def test_records_stay_valid_under_their_ids_and_dead_letters_can_be_retried(redis_url, folder, ledger):
    before = ledger.calls[ACCOUNT].event(DEAD, "1/completed")
    receipt_of(redis_url, folder, NUMBER, "--yes")
    after = ledger.calls[ACCOUNT].event(DEAD, "1/completed")
    VALIDATOR.validate(after)
    assert (after["id"], after["data"]["talk_seconds"]) == (before["id"], before["data"]["talk_seconds"])
    assert run("dead", "retry", DEAD, redis_url=redis_url, sinks=sinks_in(folder)).exit_code == 0
    assert after["data"]["legs"][0]["number_raw"] == "erased"


def test_a_call_that_is_not_finished_is_named_and_the_exit_code_tells(redis_url, folder, ledger):
    ledger.calls[ACCOUNT].admit(make_callback(STARTING, From=NUMBER), wait_seconds=100)
    result = forget(redis_url, folder, NUMBER, "--yes", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["unfinished"] == [{"account_sid": ACCOUNT, "call_sid": STARTING}]
    assert STARTING in result.stderr
    assert "run it again" in result.stderr


def test_people_are_told_in_a_table(redis_url, folder, ledger):
    text = forget(redis_url, folder, NUMBER, "--yes").stdout
    assert "…0001" in text
    assert "ledger: dead letters" in text
    assert f"redis-localhost stores it elsewhere, erase it there: {DELIVERED}" in text
    assert DIGITS not in text


def test_the_number_can_come_from_standard_input(redis_url, folder, ledger, client):
    result = forget(redis_url, folder, "-", "--yes", typed="9000000001\n")
    assert result.exit_code == 0
    assert DIGITS not in everything(client)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hello", "--yes"], "no phone number: give +919000000001"),
        ([NUMBER], "give --yes or --dry-run"),
        ([NUMBER, "--region", "india", "--yes"], "two capital letters, such as IN"),
    ],
)
def test_what_cannot_be_done_is_said_and_does_not_repeat_the_number(redis_url, folder, ledger, arguments, said):
    result = forget(redis_url, folder, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert arguments[0] not in result.stderr


def test_a_number_that_accounts_read_differently_is_asked_for_in_full(redis_url, folder, tmp_path):
    config = tmp_path / "legwork.toml"
    config.write_text(
        '[[accounts]]\nsid = "us1m"\napi_key = "k"\napi_token = "t"\nregion = "US"\ncallback_token = "another-token-00001"\n'
    )
    result = forget(redis_url, folder, "9000000001", "--yes", legwork_config=str(config))
    assert result.exit_code == 2
    assert "write it with + and the country code" in result.stderr
    assert forget(redis_url, folder, "9000000001", "--region", "IN", "--yes", legwork_config=str(config)).exit_code == 0


def test_a_file_that_cannot_be_rewritten_is_told_and_the_exit_code_tells(redis_url, folder, ledger):
    packed = folder / "records.2026-01-01.0001.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"x": "09000000001"}\n')[:-4])
    sinks = f"file://{folder}/records.jsonl?rotate=day"
    result = run("forget", NUMBER, "--yes", redis_url=redis_url, sinks=sinks)
    assert result.exit_code == 1
    assert str(packed) in result.stderr


def test_a_file_that_is_not_on_this_host_is_named_as_elsewhere(redis_url, folder, ledger):
    sinks = sinks_in(folder)
    Path(folder / "records.jsonl").unlink()
    receipt = json_of("forget", NUMBER, "--yes", redis_url=redis_url, sinks=sinks)
    assert [one["missing"] for one in receipt["files"]] == [True, False, False]
    assert receipt["elsewhere"][0]["calls"] == [DEAD, DELIVERED], "who refused it may have kept it"


@pytest.fixture
def append_only(client):
    client.config_set("appendonly", "yes")
    until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    yield Path(client.config_get("dir")["dir"])
    client.config_set("appendonly", "no")


def test_the_append_only_file_is_rewritten(redis_url, folder, append_only, ledger, client):
    until(lambda: DIGITS in files_in(append_only))  # with `everysec` it gets there in its own time
    assert receipt_of(redis_url, folder, NUMBER, "--yes")["append_only_file"] == "being rewritten"
    until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    until(lambda: DIGITS not in files_in(append_only))


def test_a_server_that_refuses_to_rewrite_it_is_told_and_no_error(redis_url, folder, append_only, ledger, client):
    client.acl_setuser("limited", enabled=True, passwords=["+limited"], keys=["*"], commands=["+@all", "-bgrewriteaof"])
    try:
        _, _, host = redis_url.rpartition("@")
        result = forget(f"redis://limited:limited@{host}", folder, NUMBER, "--yes", "--json")
    finally:
        client.acl_deluser("limited")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["append_only_file"].startswith("refused: ")


def test_without_the_right_to_info_it_is_rewritten_all_the_same(redis_url, folder, append_only, ledger, client):
    """The receipt said "refused", and nobody had asked for it."""
    client.acl_setuser("limited", enabled=True, passwords=["+limited"], keys=["*"], commands=["+@all", "-info"])
    try:
        _, _, host = redis_url.rpartition("@")
        result = forget(f"redis://limited:limited@{host}", folder, NUMBER, "--yes", "--json")
    finally:
        client.acl_deluser("limited")
    assert json.loads(result.stdout)["append_only_file"] == "being rewritten"
    until(lambda: DIGITS not in files_in(append_only))


@pytest.mark.parametrize(("typed", "is_left"), [(b"n\n", True), (b"y\n", False)])
def test_on_a_terminal_it_counts_first_and_asks(redis_url, folder, ledger, client, typed, is_left):
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "SINKS": sinks_in(folder)}
    command = [sys.executable, "-m", "webhook.cli", "forget", NUMBER]
    shown, code = seen_on_a_terminal(
        lambda terminal: subprocess.Popen(command, env=environ, stdin=terminal, stdout=terminal, stderr=terminal),
        typed=typed,
    )
    assert "Erase …0001 permanently" in shown
    assert (DIGITS in everything(client), DIGITS in files_in(folder)) == (is_left, is_left)
    assert DIGITS not in shown
    assert code == int(is_left)


def test_a_library_that_is_missing_here_is_told_and_the_receipt_is_kept(redis_url, folder, ledger, monkeypatch):
    """The command ended with a traceback when the ledger was done, and what it had erased there was told nowhere."""
    written = next((folder / "days").rglob("*.jsonl"))
    written.with_suffix(".parquet").write_bytes(b"PAR1")
    monkeypatch.delitem(sys.modules, "worker.sinks.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = forget(redis_url, folder, NUMBER, "--yes", "--json")
    receipt = json.loads(result.stdout)
    assert result.exit_code == 1
    assert f"folder: pyarrow: not installed; python3 -m pip --python {sys.prefix} install 'pyarrow>=" in result.stderr
    assert (receipt["complete"], receipt["ledger"]["calls"]["erased"]) == (False, 2)
    assert [(one["sink"], one["erased"]) for one in receipt["files"]] == [("file", 1), ("folder", 0), ("sqlite", 1)]


def test_what_was_done_until_redis_went_away_is_told(redis_url, folder, ledger, client):
    """It was told nowhere, and the next run could not find it any more: which sinks elsewhere have got the number, say."""
    client.acl_setuser(
        "limited", enabled=True, passwords=["+limited"], keys=["*"], commands=["+@all", "-zrangebyscore"]
    )
    try:
        _, _, host = redis_url.rpartition("@")
        result = forget(f"redis://limited:limited@{host}", folder, NUMBER, "--yes", "--json")
    finally:
        client.acl_deluser("limited")
    assert result.exit_code == 1, result.output
    receipt = json.loads(result.stdout)
    assert (receipt["complete"], receipt["ledger"]["calls"]["erased"]) == (False, 2)
    assert {"sink": "redis-localhost", "calls": [DELIVERED]} in receipt["elsewhere"]
    assert "run it again for the rest" in result.stderr


def test_what_a_newer_legwork_has_written_is_told_and_no_traceback(redis_url, folder, ledger, client):
    client.rpush(ledger.calls[ACCOUNT].key("call", DELIVERED), b"\x07 of tomorrow")
    result = forget(redis_url, folder, NUMBER, "--yes", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["complete"] is False
    assert "written by a newer Legwork?" in result.stderr


def test_what_was_done_until_somebody_stopped_it_is_told(ledger):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(ErasureInterrupted) as stopped:
        forget_number(ledger, NUMBER, dry_run=False, progress=stop)
    receipt = stopped.value.receipt
    assert (receipt.is_complete, receipt.counts["calls"]) == (False, 2)
    assert receipt.delivered_to("redis-localhost") == [DELIVERED]


@pytest.mark.parametrize("form", ["+919000000001", "%2B91+90000+00001", "sip:09000000001@pbx", "90000\u201100001"])
def test_no_dialect_of_exotels_keeps_the_number(redis_url, folder, client, form):
    web = WebApp(redis_url)
    invented = re.compile(r"(?:%2B91|\+91|0)[49]0000000\d\d")
    more = [
        "",
        f"CustomField={quote(json.dumps({'to': [form]}))}&x%5B{quote(form)}%5D=1",
        f"RecordingUrl={quote(f'https://h/?text=call%20{quote(form)}%22')}",
    ]
    for name, sample in CALLBACKS.items():
        method, query, headers, body = sample.request
        address = PASSTHRU if sample.to == "passthru" else STATUS
        for number, parameters in enumerate(more):
            call_sid = f"sid{name}{number:06}"
            text = f"{invented.sub(lambda _: quote(form), query)}&{parameters}".replace(sample.call_sid, call_sid)
            sent = invented.sub(form, body.decode()).replace(sample.call_sid, call_sid).encode()
            answer = web.client.open(address, method=method, query_string=text, data=sent, headers=headers)
            assert answer.status_code == 200
    web.close()
    receipt = json.loads(forget(redis_url, folder, NUMBER, "--yes", "--json").stdout)
    assert receipt["ledger"]["calls"]["erased"] >= 2 * len(CALLBACKS)
    assert DIGITS not in re.sub(r"%(?:25)*(?:2[BD]|20)|[ ().+\u2011-]", "", everything(client))

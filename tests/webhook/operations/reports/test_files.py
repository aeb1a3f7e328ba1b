"""Reports of what file and folder sinks have written: whatever else is there, however it was rotated and compressed."""

from __future__ import annotations

import gzip
import threading

import orjson
import pytest
from reporting import AGENT, CUSTOMER, inbound
from sink_contract import sink_spec

from webhook.operations.reports.files import RecordFiles, UnreadableFiles
from worker.sinks import open_sink

OPERATOR = {"type": "legwork.operator.sink_failing", "data": {"sink": "crm"}}


def event(number, *, talk=9, **changes):
    return inbound(f"call{number:05}", CUSTOMER, (AGENT, talk), **changes)


def line(record):
    return orjson.dumps(record) + b"\n"


def talks(files):
    """How long the agent of each call talked."""
    return sorted(call.agents[0].talk_seconds for call in files)


@pytest.fixture
def sink(tmp_path):
    """Opens a sink on a path below the test's folder, and closes it."""
    opened = []

    def make(url, **options):
        opened.append(open_sink(sink_spec(url.replace("TMP", str(tmp_path)), **options)))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_what_a_file_sink_wrote_is_read_with_all_that_was_rotated_and_compressed(sink, tmp_path):
    writer = sink("file://TMP/records.jsonl", rotate="10kB", gzip=True)
    for number in range(30):
        writer.send([event(number, talk=number + 1)])
    writer.close()
    names = {path.suffix for path in tmp_path.iterdir()}
    assert names == {".jsonl", ".gz"}
    assert talks(RecordFiles(tmp_path / "records.jsonl")) == list(range(1, 31))
    assert talks(RecordFiles(tmp_path)) == list(range(1, 31)), "the folder holds the same"


def test_a_rotated_file_alone_can_be_read(tmp_path):
    path = tmp_path / "records.2026-09-16.0001.jsonl.gz"
    path.write_bytes(gzip.compress(line(event(1))))
    (tmp_path / "records.jsonl").write_bytes(line(event(2, talk=5)))
    assert talks(RecordFiles(path)) == [9]


def test_what_a_folder_sink_wrote_is_read_from_all_days(sink, tmp_path):
    writer = sink("folder://TMP/records")
    for number in range(4):
        record = event(number, talk=number + 1)
        record["time"] = f"2026-09-{16 + number}T05:43:08Z"
        writer.send([record])
    assert len(list((tmp_path / "records").iterdir())) == 4
    assert talks(RecordFiles(tmp_path / "records")) == [1, 2, 3, 4]


@pytest.mark.parametrize("places", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 1, 2, 2, 0]])
def test_the_newest_record_of_a_call_counts_once_wherever_it_stands(tmp_path, places):
    unavailable = {**event(1, talk=3), "type": "legwork.call.unavailable"}
    records = [unavailable, event(1, talk=5), event(1, talk=7, revision=2)]
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join(line(records[place]) for place in places))
    assert talks(RecordFiles(path)) == [7]
    path.write_bytes(b"".join(line(records[place]) for place in places if place != 2))
    assert talks(RecordFiles(path)) == [5], "what failed and succeeded later has succeeded"


def test_calls_of_one_sid_in_two_accounts_are_two(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(line(event(1)) + line(event(1, account_sid="acme2m")))
    assert len(list(RecordFiles(path))) == 2


def test_lines_that_are_no_records_are_skipped_and_counted(tmp_path):
    good = event(1)
    no_records = [
        b"not JSON\n",
        b"\xff\xfe\n",
        b"7\n",
        b"[]\n",
        b"{}\n",
        line({"type": 3, "data": {}}),
        line({"type": "com.example.other", "data": good["data"]}),
        line({**good, "data": None}),
        line({**good, "data": {**good["data"], "revision": "1"}}),
        line({**good, "data": {key: value for key, value in good["data"].items() if key != "call_sid"}}),
        b'{"type": "legwork.call.compl',  # its writer is in the middle of it
    ]
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"\n" + line(OPERATOR) + line(good) + b" \n" + b"".join(no_records))
    files = RecordFiles(path)
    assert len(list(files)) == 1
    assert files.skipped == len(no_records)


def test_progress_is_told_of_every_line(tmp_path):
    path, told = tmp_path / "records.jsonl", []
    path.write_bytes(line(event(1)) * 2500)
    assert len(list(RecordFiles(path, advance=told.append))) == 1
    assert (sum(told), len(told)) == (2500, 3)


def test_while_a_worker_writes_rotates_and_compresses_no_call_is_missed(sink, tmp_path):
    writer = sink("file://TMP/records.jsonl", rotate="20kB", gzip=True)
    for number in range(40):
        writer.send([event(number, talk=number + 1)])
    busy = threading.Event()

    def write():
        for number in range(40, 240):
            writer.send([event(number)])
            busy.set()

    thread = threading.Thread(target=write)
    thread.start()
    busy.wait()
    rounds = 0
    while thread.is_alive() or not rounds:
        found = talks(RecordFiles(tmp_path / "records.jsonl"))
        assert set(range(1, 41)) <= set(found)
        rounds += 1
    thread.join()


def test_a_folder_without_records_is_told_what_would_be_right(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UnreadableFiles, match="name a file that a file: sink writes"):
        list(RecordFiles(tmp_path))


def test_parquet_is_not_read_and_that_is_told(sink, tmp_path):
    writer = sink("folder://TMP/records", format="parquet")
    writer.send([event(1)])
    with pytest.raises(UnreadableFiles, match=r"Parquet, of which there is some, is not read"):
        list(RecordFiles(tmp_path / "records"))
    (tmp_path / "records/more.jsonl").write_bytes(line(event(2)))
    files = RecordFiles(tmp_path / "records")
    assert (len(list(files)), files.parquet) == (1, 1)


def test_a_broken_file_is_named(tmp_path):
    for name, content in (("cut.jsonl.gz", gzip.compress(line(event(1)))[:-9]), ("plain.jsonl.gz", line(event(1)))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableFiles, match=rf"{name} cannot be read: .+; repair it"):
            list(RecordFiles(tmp_path / name))

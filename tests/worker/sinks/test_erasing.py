"""A number is erased from what sinks keep on this host; no line of a worker that writes meanwhile is lost or doubled."""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from payloads.records import build, legs_of
from sink_contract import read_lines, sink_spec

from worker.numbers.erasure import Eraser
from worker.sinks import sink_for

ROOT = Path(__file__).parents[3]
NUMBER, DIGITS = "+919000000001", b"9000000001"
ERASER = Eraser(NUMBER, {"acme1m": "IN"}, "IN")


def record(number=1, party="09000000001", **changes):
    legs = legs_of(("outbound", party, "completed", 25))
    return build(legs, call_sid=f"call{number:04}", account_sid="acme1m", **changes)


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


def without(one):
    return ERASER.of_record(one).record(one)


def test_a_file_keeps_every_line_its_mode_and_its_time(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(f"file://{path}")
    sent = [record(1), record(2, "09000000002"), record(3)]
    for one in sent:
        sink.send([one])
    path.chmod(0o600)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    untouched = path.read_bytes().splitlines()[1]
    (kept,) = sink.erase(ERASER, dry_run=False)
    assert (kept.path, kept.found, kept.erased, kept.problem) == (str(path), 2, 2, None)
    assert read_lines(path.read_bytes()) == [without(one) for one in sent]
    assert path.read_bytes().splitlines()[1] == untouched
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o600, 1_700_000_000)
    assert [one.name for one in tmp_path.iterdir()] == ["records.jsonl"], "nothing is left beside it"
    sink.send([record(4)])
    assert len(read_lines(path.read_bytes())) == 4


def test_a_dry_run_and_a_file_without_the_number_leave_the_file_as_it_is(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(f"file://{path}")
    sink.send([record(1)])
    inode = path.stat().st_ino
    (kept,) = sink.erase(ERASER, dry_run=True)
    assert (kept.found, kept.erased) == (1, 0)
    sink.erase(Eraser("+919999999999", {}, "IN"), dry_run=False)
    assert path.stat().st_ino == inode


def test_what_was_put_aside_and_packed_is_rewritten_too(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(f"file://{path}", rotate="1kB", gzip=True)
    for number in range(3):
        sink.send([record(number)])
    sink.close()
    (tmp_path / "records.2026-01-01.0001.jsonl").write_bytes(orjson.dumps(record(7)) + b"\n")
    (tmp_path / "records.2026-01-01.0001.jsonl.gz.part").write_bytes(b"half " + DIGITS)
    kept = sink.erase(ERASER, dry_run=False)
    assert [(one.found, one.erased, one.problem) for one in kept] == [(1, 1, None)] * 4
    for one in tmp_path.iterdir():
        data = gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()
        assert DIGITS not in data
        assert len(read_lines(data)) == 1


def test_a_file_that_is_not_there_is_said_to_be_missing_and_not_made(tmp_path):
    for url in (f"file://{tmp_path}/records.jsonl", f"folder://{tmp_path}/days", f"sqlite:///{tmp_path}/calls.db"):
        sink = sink_for(sink_spec(url))
        assert [one.is_missing for one in sink.erase(ERASER, dry_run=False)] == [True]
    assert list(tmp_path.iterdir()) == []


def test_what_a_sink_keeps_elsewhere_is_not_ours_to_rewrite():
    """`postgresql+psycopg` was taken for a file, since it names its driver itself."""
    elsewhere = ("stdout:", "https://crm.example.com/x", "redis://localhost:1/0?stream=x", "postgresql://u:p@h/d")
    for url in (*elsewhere, "postgresql+psycopg://u:p@h/d", "mysql+pymysql://u:p@h/d"):
        assert sink_for(sink_spec(url)).erase(ERASER, dry_run=False) is None


@pytest.mark.parametrize("options", ["", "rotate=20kB", "rotate=20kB&gzip=true"])
def test_workers_that_write_meanwhile_lose_nothing_and_double_nothing(tmp_path, options):
    path = tmp_path / "records.jsonl"
    program = (
        "import sys; from sink_contract import record, sink_spec; from worker.sinks import sink_for\n"
        "sink = sink_for(sink_spec(f'file://{sys.argv[1]}')); first = int(sys.argv[2]); sink.open()\n"
        "for number in range(first, first + 80): sink.send([record(number)])\n"
        "sink.close()\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    command = [sys.executable, "-c", program, f"{path}?{options}".rstrip("?")]
    writers = [subprocess.Popen([*command, str(first)], env=environ) for first in (0, 80)]
    sink = sink_for(sink_spec(f"file://{path}?{options}".rstrip("?")))
    rewritten = 0
    while any(writer.poll() is None for writer in writers):
        rewritten += sum(kept.erased for kept in sink.erase(ERASER, dry_run=False))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert rewritten, "it was rewritten while they wrote"
    sink.erase(ERASER, dry_run=False)
    found = []
    for one in tmp_path.iterdir():
        data = gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()
        assert DIGITS not in data
        found += [line["subject"] for line in read_lines(data)]
    assert sorted(found) == [f"call{number:04}" for number in range(160)]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_files_of_a_folder_are_rewritten_under_their_names(tmp_path, kind):
    sink = opened(f"folder://{tmp_path}/days?format={kind}")
    sent = [record(1), record(2, "09000000002")]
    for one in sent:
        sink.send([one])
    names = sorted(tmp_path.rglob(f"*.{kind}"))
    (kept,) = sink.erase(ERASER, dry_run=False)
    assert (kept.found, kept.erased, kept.problem) == (1, 1, None)
    assert sorted(tmp_path.rglob(f"*.{kind}")) == names
    if kind == "jsonl":
        assert [read_lines(path.read_bytes())[0] for path in names] == [without(one) for one in sent]
        return
    rows = [pq.read_table(path).to_pylist()[0] for path in names]
    assert [orjson.loads(row["record"]) for row in rows] == [without(one) for one in sent]
    assert [row["legs"][0]["number_raw"] for row in rows] == ["erased", "09000000002"]


def test_a_sqlite_file_holds_the_number_nowhere_not_even_in_its_free_pages(tmp_path):
    path = tmp_path / "calls.db"
    sink = opened(f"sqlite:///{path}")
    sent = [record(1), record(2, "09000000002")]
    sink.send(sent)
    assert DIGITS in path.read_bytes()
    (kept,) = sink.erase(ERASER, dry_run=False)
    assert (kept.found, kept.erased, kept.problem) == (1, 1, None)
    assert DIGITS not in path.read_bytes()
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT record FROM calls ORDER BY call_sid").fetchall()
        legs = database.execute("SELECT number, number_raw FROM calls_legs ORDER BY call_sid").fetchall()
    database.close()
    assert [orjson.loads(row) for (row,) in rows] == [without(one) for one in sent]
    assert legs == [(None, "erased"), ("+919000000002", "09000000002")]
    sink.close()


def test_a_sqlite_file_that_somebody_holds_is_told(tmp_path):
    path = tmp_path / "calls.db"
    sink = opened(f"sqlite:///{path}?timeout=0.1")
    sink.send([record(1)])
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    (kept,) = sink.erase(ERASER, dry_run=False)
    holder.rollback()
    holder.close()
    sink.close()
    assert (kept.erased, kept.problem) == (0, "database is locked")


def test_a_file_that_grows_while_it_is_copied_is_copied_to_its_end(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(f"file://{path}")
    for number in range(50):
        sink.send([record(number)])
    writer = threading.Thread(target=lambda: [sink.send([record(number)]) for number in range(50, 100)])
    writer.start()
    while writer.is_alive():
        sink.erase(ERASER, dry_run=False)
    writer.join()
    assert [one["subject"] for one in read_lines(path.read_bytes())] == [f"call{number:04}" for number in range(100)]


def test_a_sqlite_file_that_was_not_swept_is_swept_by_the_next_run(tmp_path):
    """Where somebody held the file, its rows were written and VACUUM failed; the next run found no row, and left the bytes."""
    path = tmp_path / "calls.db"
    sink = opened(f"sqlite:///{path}")
    sink.send([record(1)])
    sink.close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA secure_delete = OFF")  # some builds would overwrite it by themselves
        database.execute("DELETE FROM calls")
        database.execute("DELETE FROM calls_legs")
    database.close()
    assert DIGITS in path.read_bytes()
    (kept,) = sink_for(sink_spec(f"sqlite:///{path}")).erase(ERASER, dry_run=True)
    assert (kept.found, DIGITS in path.read_bytes()) == (0, True)
    (kept,) = sink_for(sink_spec(f"sqlite:///{path}")).erase(ERASER, dry_run=False)
    assert (kept.found, kept.problem) == (0, None)
    assert DIGITS not in path.read_bytes()


def test_a_file_that_goes_while_its_folder_is_gone_through_is_no_missing_folder(tmp_path):
    """The receipt said that the folder was not on this host, and named its sink among those that keep it elsewhere."""
    sink = opened(f"folder://{tmp_path}/days")
    sink.send([record(1)])
    (written,) = tmp_path.rglob("*.jsonl")
    written.with_name("a.jsonl").symlink_to("deleted meanwhile")
    (kept,) = sink.erase(ERASER, dry_run=False)
    assert (kept.found, kept.erased, kept.is_missing, kept.problem) == (1, 1, False, None)


def test_what_was_put_aside_while_the_sink_had_rotate_is_rewritten_without_it_too(tmp_path):
    """Those files were neither searched nor named once `rotate` was taken off the sink."""
    sink = opened(f"file://{tmp_path}/records.jsonl?rotate=1kB")
    for number in range(3):
        sink.send([record(number)])
    sink.close()
    kept = opened(f"file://{tmp_path}/records.jsonl").erase(ERASER, dry_run=False)
    assert len(kept) > 1
    assert sum(one.erased for one in kept) == 3
    assert not any(DIGITS in path.read_bytes() for path in tmp_path.iterdir())


def test_what_a_killed_worker_left_of_a_file_goes_and_what_is_being_written_stays(tmp_path):
    """It kept the number under a name that nobody looked at."""
    sink = opened(f"folder://{tmp_path}")
    sink.send([record()])
    (day,) = tmp_path.glob("day=*")
    left, fresh = day / f".{'0a' * 16}", day / f".{'1b' * 16}"
    for path in (left, fresh):
        path.write_bytes(orjson.dumps(record(2)))
    os.utime(left, (1_700_000_000, 1_700_000_000))
    sink.erase(ERASER, dry_run=True)
    assert left.exists()
    sink.erase(ERASER, dry_run=False)
    assert (left.exists(), fresh.exists()) == (False, True)


def test_what_a_killed_run_has_left_beside_a_file_goes_and_what_is_being_written_stays(tmp_path):
    """A copy under a name that nobody looked at: whoever was to be forgotten next stayed in it."""
    sink = opened(f"file://{tmp_path}/records.jsonl")
    sink.send([record()])
    left, fresh, other = (
        tmp_path / f".{name}.{'0a' * 16}" for name in ("records.2026-01-01.0001.jsonl", "records.jsonl", "x")
    )
    for path in (left, fresh, other):
        path.write_bytes(orjson.dumps(record(2)))
    for path in (left, other):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    sink.erase(ERASER, dry_run=True)
    assert left.exists()
    sink.erase(ERASER, dry_run=False)
    assert (left.exists(), fresh.exists(), other.exists()) == (False, True, True)


def test_a_parquet_file_that_is_none_of_ours_is_left_alone(tmp_path):
    """One without a row ended it all with a traceback."""
    sink = opened(f"folder://{tmp_path}?format=parquet")
    sink.send([record()])
    (path,) = tmp_path.glob("day=*/*.parquet")
    empty = path.with_name("empty.parquet")
    pq.write_table(pq.read_table(path).slice(0, 0), empty)
    (kept,) = sink.erase(ERASER, dry_run=False)
    assert (kept.found, kept.erased, kept.problem) == (1, 1, None)
    assert pq.read_table(empty).num_rows == 0

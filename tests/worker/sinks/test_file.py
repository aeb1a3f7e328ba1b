"""`file:` sinks: whole lines only, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from factories import make_settings
from sink_contract import SinkContract, read_lines, record, sink_spec

from worker.errors import TemporaryFailure
from worker.sinks import BadSink, open_sinks, sink_for

ROOT = Path(__file__).parents[3]


def opened(path):
    sink = sink_for(sink_spec(f"file://{path}"))
    sink.open()
    return sink


def begin(program, *arguments):
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE)


class TestFileSink(SinkContract):
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "records.jsonl"

    @pytest.fixture
    def sink(self, path):
        return opened(path)

    @pytest.fixture
    def arrived(self, path):
        return lambda: read_lines(path.read_bytes())

    @pytest.fixture
    def unreachable(self, tmp_path):
        return sink_for(sink_spec(f"file://{tmp_path}/no/such/folder.jsonl"))


def test_a_relative_path_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (sink,) = open_sinks(make_settings(sinks="file:records.jsonl")).values()
    sink.send([record()])
    assert read_lines((tmp_path / "records.jsonl").read_bytes()) == [record()]


def test_a_path_may_hold_anything_that_a_url_can_spell(tmp_path):
    opened(f"{tmp_path}/%D9%85%20%231.jsonl").send([record()])
    assert [path.name for path in tmp_path.iterdir()] == ["م #1.jsonl"]


def test_records_are_added_to_what_is_there(tmp_path):
    path = tmp_path / "records.jsonl"
    for number in range(3):
        opened(path).send([record(number)])
    assert [one["subject"] for one in read_lines(path.read_bytes())] == ["call0000", "call0001", "call0002"]


def test_a_file_that_was_rotated_away_is_made_anew(tmp_path):
    path = tmp_path / "records.jsonl"
    sink = opened(path)
    sink.send([record(1)])
    path.rename(tmp_path / "records.jsonl.1")
    sink.send([record(2)])
    assert read_lines(path.read_bytes()) == [record(2)]


@pytest.mark.parametrize("url", ["file:{}/no/such.jsonl", "file://{}", "file://{}/", "file:", "file://host/x.jsonl"])
def test_a_path_that_cannot_be_written_is_refused_at_the_start(tmp_path, url):
    with pytest.raises(BadSink, match=r"^sink file[^:]*: .*(No such file|Is a directory|must be file:)"):
        open_sinks(make_settings(sinks=url.format(tmp_path)))


def test_several_processes_writing_at_once_leave_whole_lines_only(tmp_path):
    path = tmp_path / "records.jsonl"
    program = (
        "import sys; from sink_contract import record; from worker.sinks import sink_for; from sink_contract import sink_spec\n"
        "sink = sink_for(sink_spec(f'file://{sys.argv[1]}')); first = int(sys.argv[2])\n"
        "records = [record(first + number, note='x' * 3000 * number) for number in range(20)]\n"
        "for start in range(0, 20, 4): sink.send(records[start:start + 4])\n"
    )
    writers = [begin(program, path, first) for first in (0, 20, 40)]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdout.close()
    subjects = [one["subject"] for one in read_lines(path.read_bytes())]
    assert sorted(subjects) == [f"call{number:04}" for number in range(60)]


def test_a_disk_that_is_full_leaves_no_part_of_a_line_and_is_temporary(tmp_path):
    """A limit on the size of files fails a write in its middle just as a full disk does."""
    path = tmp_path / "records.jsonl"
    opened(path).send([record(1)])
    whole = path.read_bytes()
    program = (
        "import resource, sys; from sink_contract import record, sink_spec; from worker.sinks import sink_for\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(whole) + 1000}, {len(whole) + 1000}))\n"
        "try: sink_for(sink_spec(f'file://{sys.argv[1]}')).send([record(2), record(3)])\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    with begin(program, path) as writer:
        told, _ = writer.communicate(timeout=30)
    assert told.decode().startswith("TemporaryFailure")
    assert path.read_bytes() == whole


@pytest.mark.parametrize("length", [1, 20, 70_000, 199_000])
def test_a_line_that_a_killed_writer_left_unfinished_is_cut_off(tmp_path, length):
    """SIGKILL may stop a large write between two pages. Its records were not acknowledged, so they come again."""
    path = tmp_path / "records.jsonl"
    sink = opened(path)
    sink.send([record(1)])
    with path.open("ab") as file:
        file.write(orjson.dumps(record(2, note="x" * 200_000))[:length])
    sink.send([record(2), record(3)])
    assert read_lines(path.read_bytes()) == [record(1), record(2), record(3)]


def test_a_whole_line_without_its_end_is_kept(tmp_path):
    """Some editors leave the last line so."""
    path = tmp_path / "records.jsonl"
    path.write_bytes(orjson.dumps(record(1)))
    opened(path).send([record(2)])
    assert read_lines(path.read_bytes()) == [record(1), record(2)]


def test_what_is_no_file_is_refused_at_the_start(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadSink, match="not a regular file"):
        open_sinks(make_settings(sinks=f"file://{tmp_path}/pipe"))


def test_a_failure_says_which_file_and_why(tmp_path):
    sink = opened(tmp_path / "records.jsonl")
    (tmp_path / "records.jsonl").unlink()
    (tmp_path / "records.jsonl").mkdir()
    with pytest.raises(TemporaryFailure, match=r"records\.jsonl: Is a directory"):
        sink.send([record()])

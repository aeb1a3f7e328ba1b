"""`file:` sinks that put their file aside: nothing is lost, nothing is doubled, whoever else writes."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from factories import make_settings
from sink_contract import SinkContract, read_lines, record, sink_spec

from worker.sinks import BadSink, open_sinks, sink_for

ROOT = Path(__file__).parents[3]


def opened(path, **options):
    sink = sink_for(sink_spec(f"file://{path}", **options))
    sink.open()
    return sink


def data_of(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def subjects_in(folder):
    """Of the records in all files, those put aside first."""
    files = sorted(folder.iterdir(), key=lambda path: (path.name == "records.jsonl", path.name))
    return [one["subject"] for path in files for one in read_lines(data_of(path))]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def written_on(path, day):
    moment = datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    os.utime(path, (moment, moment))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.jsonl"


class TestFileSinkThatRotates(SinkContract):
    """At 100 kB, which the large record alone exceeds."""

    @pytest.fixture
    def sink(self, path):
        return opened(path, rotate="100kB")

    @pytest.fixture
    def arrived(self, tmp_path):
        def read():
            files = sorted(tmp_path.iterdir(), key=lambda path: (path.name == "records.jsonl", path.name))
            return [one for path in files for one in read_lines(path.read_bytes())]

        return read

    @pytest.fixture
    def unreachable(self, tmp_path):
        return sink_for(sink_spec(f"file://{tmp_path}/no/such/folder.jsonl?rotate=day&gzip=true"))


def test_a_file_is_put_aside_before_it_grows_beyond_its_size(path, tmp_path):
    sink = opened(path, rotate="10kB")
    for number in range(12):
        sink.send([record(number)])
    sizes = [one.stat().st_size for one in tmp_path.iterdir()]
    assert max(sizes) <= 10_000
    assert len(sizes) > 2
    assert subjects_in(tmp_path) == [f"call{number:04}" for number in range(12)]
    assert re.fullmatch(r"records\.\d{4}-\d\d-\d\d\.0001\.jsonl", names_in(tmp_path)[0])


def test_a_batch_that_is_larger_than_the_size_stays_together(path, tmp_path):
    sink = opened(path, rotate="1kB")
    for start in (0, 10):
        sink.send([record(number) for number in range(start, start + 10)])
    assert len(read_lines(path.read_bytes())) == 10
    assert len(names_in(tmp_path)) == 2


def test_a_file_of_another_day_is_put_aside_under_that_day(path, tmp_path):
    sink = opened(path, rotate="day")
    sink.send([record(1)])
    sink.send([record(2)])
    assert names_in(tmp_path) == ["records.jsonl"]
    written_on(path, "2026-01-01")
    sink.send([record(3)])
    assert names_in(tmp_path) == ["records.2026-01-01.0001.jsonl", "records.jsonl"]
    assert subjects_in(tmp_path) == ["call0001", "call0002", "call0003"]


def test_an_empty_file_is_not_put_aside(path, tmp_path):
    path.touch()
    written_on(path, "2026-01-01")
    opened(path, rotate="day").send([record()])
    assert names_in(tmp_path) == ["records.jsonl"]


def test_numbers_go_on_behind_those_that_were_packed(path, tmp_path):
    (tmp_path / "records.2026-01-01.0009.jsonl.gz").write_bytes(gzip.compress(b""))
    sink = opened(path, rotate="day")
    sink.send([record(1)])
    written_on(path, "2026-01-01")
    sink.send([record(2)])
    assert "records.2026-01-01.0010.jsonl" in names_in(tmp_path)


def test_what_was_put_aside_is_packed(path, tmp_path):
    sink = opened(path, rotate="10kB", gzip=True)
    for number in range(12):
        sink.send([record(number)])
    sink.close()
    assert all(re.fullmatch(r"records(\.[\d-]{10}\.\d{4})?\.jsonl(\.gz)?", name) for name in names_in(tmp_path))
    assert [name for name in names_in(tmp_path) if not name.endswith(".gz")] == ["records.jsonl"]
    assert subjects_in(tmp_path) == [f"call{number:04}" for number in range(12)]
    assert all(one.stat().st_mode & 0o007 == 0 for one in tmp_path.iterdir())


def test_what_a_killed_worker_left_unpacked_is_packed_the_next_time(path, tmp_path):
    left = tmp_path / "records.2026-01-01.0001.jsonl"
    left.write_bytes(orjson.dumps(record(1)) + b"\n")
    left.with_name(left.name + ".gz.part").write_bytes(b"half a file")
    path.write_bytes(orjson.dumps(record(2)) + b"\n")
    written_on(path, "2026-01-02")
    sink = opened(path, rotate="day", gzip=True)
    sink.send([record(3)])
    sink.close()
    assert names_in(tmp_path) == [
        "records.2026-01-01.0001.jsonl.gz",
        "records.2026-01-02.0001.jsonl.gz",
        "records.jsonl",
    ]
    assert subjects_in(tmp_path) == ["call0001", "call0002", "call0003"]


def test_a_line_that_was_left_unfinished_does_not_get_into_the_archive(path, tmp_path):
    path.write_bytes(orjson.dumps(record(1)) + b'\n{"half')
    written_on(path, "2026-01-01")
    opened(path, rotate="day").send([record(2)])
    assert subjects_in(tmp_path) == ["call0001", "call0002"]


@pytest.mark.parametrize("options", ["rotate=10kB", "rotate=10kB&gzip=true"])
def test_several_processes_lose_nothing_and_double_nothing(path, tmp_path, options):
    program = (
        "import sys; from sink_contract import record, sink_spec; from worker.sinks import sink_for\n"
        "sink = sink_for(sink_spec(f'file://{sys.argv[1]}')); first = int(sys.argv[2]); sink.open()\n"
        "records = [record(first + number) for number in range(60)]\n"
        "for start in range(0, 60, 2): sink.send(records[start:start + 2])\n"
        "sink.close()\n"
    )
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environ = {**os.environ, "PYTHONPATH": paths}
    writers = [
        subprocess.Popen([sys.executable, "-c", program, f"{path}?{options}", str(first)], env=environ)
        for first in (0, 60, 120, 180)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert sorted(subjects_in(tmp_path)) == [f"call{number:04}" for number in range(240)]
    assert len(names_in(tmp_path)) > 20


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("rotate=hour", "rotate: must be `day`, or a size such as 100MB"),
        ("rotate=0MB", "rotate: must be"),
        ("rotate=100mb", "rotate: must be"),
        ("gzip=true", "gzip: is for rotated files: set rotate too"),
        ("rotat=day", "url: must be file:name.jsonl"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_the_start(path, query, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=f"file://{path}?{query}"))


def test_a_name_that_leaves_no_room_for_what_is_put_aside_is_refused_at_the_start(tmp_path):
    """It could be written and was never put aside: each delivery failed then, "File name too long", until it was given up."""
    short, long = ("न" * number + "x" * (4 - number % 2) + ".jsonl" for number in (60, 62))
    sink = opened(tmp_path / short, rotate="1kB", gzip=True)
    for number in range(4):
        sink.send([record(number)])
    sink.close()
    assert len(names_in(tmp_path)) == 4
    with pytest.raises(BadSink, match="must have a name of up to 190 bytes, with rotate"):
        opened(tmp_path / long, rotate="1kB")

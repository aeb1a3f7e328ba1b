"""`folder:`, `s3:` and `gs:` sinks: one object a record, under a name that never changes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pyarrow.dataset
import pyarrow.parquet
import pytest
from factories import make_settings
from object_store import BUCKET, ObjectStore
from payloads.records import build, legs_of
from sink_contract import SinkContract, read_lines, record, sink_spec

from worker.errors import TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import BadSink, open_sinks, sink_for

ROOT = Path(__file__).parents[3]


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows_in(data):
    return pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()


class ObjectContract(SinkContract):
    keyed = True


class TestFolderSink(ObjectContract):
    @pytest.fixture
    def sink(self, tmp_path):
        return opened(f"folder://{tmp_path}/records")

    @pytest.fixture
    def arrived(self, tmp_path):
        folder = tmp_path / "records"
        return lambda: [one for name in files_in(folder) for one in read_lines((folder / name).read_bytes())]

    @pytest.fixture
    def unreachable(self, tmp_path):
        return opened_and_lost(tmp_path / "lost")


def opened_and_lost(folder, **options):
    """A sink whose folder, a mount perhaps, went away."""
    sink = opened(f"folder://{folder}", **options)
    folder.rmdir()
    return sink


class TestParquetInAFolder(TestFolderSink):
    @pytest.fixture
    def sink(self, tmp_path):
        return opened(f"folder://{tmp_path}/records?format=parquet")

    @pytest.fixture
    def arrived(self, tmp_path):
        folder = tmp_path / "records"
        return lambda: [
            orjson.loads(row["record"]) for name in files_in(folder) for row in rows_in((folder / name).read_bytes())
        ]


@pytest.fixture
def store():
    with ObjectStore() as store:
        yield store


class TestS3(ObjectContract):
    @staticmethod
    def url_at(host):
        return f"s3://key:secret@{BUCKET}/prefix?endpoint_override={host}&scheme=http&region=ap-south-1"

    @pytest.fixture
    def sink(self, store):
        sink = opened(self.url_at(store.host))
        yield sink
        sink.close()

    @pytest.fixture
    def arrived(self, store):
        return lambda: [one for name in sorted(store.objects) for one in read_lines(store.objects[name])]

    @pytest.fixture
    def unreachable(self):
        return opened(self.url_at(f"127.0.0.1:{free_port()}"))

    def test_an_object_has_the_name_of_the_file_and_a_type(self, sink, store):
        sink.send([record()])
        (name,) = store.objects
        assert name == "prefix/day=2026-09-16/acme1m-call0001-1-completed.jsonl"
        assert store.content_types == {name: "application/x-ndjson"}

    def test_a_bucket_that_is_not_there_is_temporary_and_check_says_so(self, store):
        sink = opened(self.url_at(store.host).replace(BUCKET, "nowhere"))
        with pytest.raises(TemporaryFailure):
            sink.send([record()])
        with pytest.raises(TemporaryFailure):
            sink.check()
        sink.close()


class TestGoogle(TestS3):
    @staticmethod
    def url_at(host):
        return f"gs://anonymous@{BUCKET}/prefix?endpoint_override={host}&scheme=http&retry_limit_seconds=1"


# Names


def test_a_file_is_named_by_the_day_the_call_the_revision_and_the_kind(tmp_path):
    sink = opened(f"folder://{tmp_path}")
    sink.send([record()])
    sink.send([build(legs_of(("inbound", "09000000011", "busy", 0)), call_sid="call0001", revision=2)])
    sink.send([build(None, call_sid="call0002", reason="gone")])
    assert files_in(tmp_path) == [
        "day=2026-09-16/acme1m-call0001-1-completed.jsonl",
        "day=2026-09-16/acme1m-call0001-2-corrected.jsonl",
        "day=2026-09-16/acme1m-call0002-1-unavailable.jsonl",
    ]


def test_a_record_that_is_about_no_call_is_named_by_its_id(tmp_path):
    about = {"id": "evt_1", "type": "legwork.operator.call_dead", "time": "2026-09-16T00:00:00.000Z", "data": {}}
    for kind in ("jsonl", "parquet"):
        opened(f"folder://{tmp_path}?format={kind}").send([about])
    assert files_in(tmp_path) == ["day=2026-09-16/evt_1.jsonl", "day=2026-09-16/evt_1.parquet"]


def test_no_account_sid_leads_out_of_the_folder(tmp_path):
    folder = tmp_path / "records"
    opened(f"folder://{folder}").send([build(None, account_sid="../../x", reason="gone")])
    assert len(files_in(folder)) == len(files_in(tmp_path)) == 1


# Files


def test_a_relative_path_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (sink,) = open_sinks(make_settings(sinks="folder:calls%20of%20acme")).values()
    sink.send([record()])
    assert (tmp_path / "calls of acme/day=2026-09-16").is_dir()


def test_a_file_that_cannot_be_written_whole_is_not_there_at_all(tmp_path):
    """A limit on the size of files fails a write in its middle just as a full disk does."""
    program = (
        "import resource, sys; from sink_contract import record, sink_spec; from worker.sinks import sink_for\n"
        "sink = sink_for(sink_spec(f'folder://{sys.argv[1]}')); sink.open(); sink.send([record()])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for number in (1, 2):\n"
        "    try: sink.send([record(number, note='x' * 5000)])\n"
        "    except Exception as error: print(type(error).__name__)\n"
    )
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["TemporaryFailure", "TemporaryFailure"]
    (name,) = files_in(tmp_path)
    assert read_lines((tmp_path / name).read_bytes()) == [record()]


def test_nobody_else_may_read_a_file(tmp_path):
    opened(f"folder://{tmp_path}").send([record()])
    (name,) = files_in(tmp_path)
    assert (tmp_path / name).stat().st_mode & 0o007 == 0


# Parquet


def test_parquet_has_a_column_for_each_part_of_the_record(tmp_path):
    opened(f"folder://{tmp_path}?format=parquet").send([record(CustomField="x")])
    (row,) = pyarrow.parquet.read_table(tmp_path / files_in(tmp_path)[0]).to_pylist()
    data = record(CustomField="x")["data"]
    same = ["account_sid", "call_sid", "revision", "settled", "status", "talk_seconds", "custom_field", "exophone"]
    assert {name: row[name] for name in same} == {name: data[name] for name in same}
    assert f"{row['started_at'].isoformat()}" == data["started_at"].replace("Z", "+00:00")
    assert [leg["number_raw"] for leg in row["legs"]] == [leg["number_raw"] for leg in data["legs"]]
    assert orjson.loads(row["callbacks"][0]["params"]) == data["callbacks"][0]["params"]
    assert row["provenance"]["waited_seconds"]["settle"] == 120.0


def test_parquet_files_of_all_kinds_of_records_are_read_as_one_table(tmp_path):
    sink = opened(f"folder://{tmp_path}?format=parquet")
    for number in range(3):
        sink.send([record(number)])
    sink.send([build(None, call_sid="call0009", reason="gone")])
    table = pyarrow.dataset.dataset(tmp_path, partitioning="hive").to_table()
    assert table.num_rows == 4
    assert set(table["day"].to_pylist()) == {"2026-09-16"}
    assert table["reason"].to_pylist().count("gone") == 1


# The URL


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("folder:", "must be folder:name"),
        ("folder://host/records", "must be folder:name"),
        ("folder:x?formt=jsonl", "must be folder:name"),
        ("folder:x?format=csv", "format: Must be one of: jsonl, parquet"),
        ("folder:///no/such/place", "No such file or directory"),
        ("folder:///dev/null", "File exists"),
        ("folder:records#1", "holds a #: percent-encode it"),
        ("file:records#1.jsonl", "holds a #: percent-encode it"),
        ("s3://bucket/pre//fix?region=x", "must have a prefix without //"),
        ("s3://bucket/pre#fix?region=x", "holds a #: percent-encode it"),
        (f"s3://bucket/{'%E0%A4%A8' * 234}?region=x", "must have a prefix of up to 700 bytes"),
        ("stdout:records", "must be stdout: and no more"),
        ("s3://bucket?region=x&formt=jsonl", "Unexpected query parameter in S3 URI: 'formt'"),
    ],
)
def test_what_cannot_be_written_to_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))

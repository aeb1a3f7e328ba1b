"""`module:Class`: a sink of one's own, by its import path."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from factories import make_settings
from sink_contract import SinkContract, record, sink_spec

from worker.errors import TemporaryFailure
from worker.sinks import BadSink, open_sinks, sink_for

ROOT = Path(__file__).parents[3]

OWN = '''
"""Sinks as somebody might write them."""
from marshmallow import Schema, fields
from worker.errors import TemporaryFailure
from worker.sinks.base import Sink

class Bare:
    """Needs nothing of ours but the shape."""
    arrived = []

    def send(self, records):
        self.arrived.extend(records)

class Whole:
    """Has everything that may be had."""
    batch = 7
    events = []

    def __init__(self, server="nowhere", port=1):
        self.server, self.port = server, port
        self.events.append(f"made for {server}:{port!r}")

    def open(self):
        self.events.append("opened")

    def send(self, records):
        if self.server == "nowhere":
            raise TemporaryFailure("nowhere is not there")
        self.events.append(f"sent {len(records)}")
        return "thank you"

    def check(self):
        if self.server == "nowhere":
            raise TemporaryFailure("nowhere is not there")
        return "all is well"

    def close(self):
        self.events.append("closed")

class Proper(Sink):
    """A sink like ours."""
    class Options(Schema):
        greeting = fields.String(required=True, metadata={"doc": "What to say."})

    def send(self, records):
        return self.options["greeting"]

class WithoutSend:
    pass

def function(records):
    pass
'''


@pytest.fixture
def own(own_module):
    return own_module(OWN)


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


class TestOwnSink(SinkContract):
    @pytest.fixture
    def sink(self, own):
        return opened(f"{own}:Bare")

    @pytest.fixture
    def arrived(self, own):
        return lambda: sys.modules[own].Bare.arrived

    @pytest.fixture
    def unreachable(self, own):
        return opened(f"{own}:Whole")


def test_what_a_class_has_besides_send_is_used(own):
    sink = opened(f"{own}:Whole?server=crm&port=7", port=8)
    assert sink.batch == 7
    assert sink.send([record()]) == "thank you"
    assert sink.check() == "all is well"
    sink.close()
    assert sys.modules[own].Whole.events == ["made for crm:8", "opened", "sent 1", "closed"]


def test_a_failure_of_ours_means_the_same_when_another_raises_it(own):
    with pytest.raises(TemporaryFailure, match="nowhere is not there"):
        opened(f"{own}:Whole").send([record()])


def test_a_sink_like_ours_has_options_like_ours(own):
    assert opened(f"{own}:Proper?greeting=hello").send([record()]) == "hello"
    with pytest.raises(BadSink, match="greeting: Missing data for required field"):
        opened(f"{own}:Proper")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no_such_module_of_anybody:Sink", "cannot be imported: ModuleNotFoundError"),
        ("{}:Missing", "has no class Missing with a method send"),
        ("{}:WithoutSend", "has no class WithoutSend with a method send"),
        ("{}:function", "has no class function with a method send"),
        ("{}:Whole?colour=red", "options: .*unexpected keyword argument 'colour'"),
    ],
)
def test_what_is_no_sink_is_refused_at_the_start(own, path, problem):
    with pytest.raises(BadSink, match=rf"^sink [a-z0-9-]+: .*{problem}"):
        open_sinks(make_settings(sinks=path.format(own)))


@pytest.mark.parametrize(
    ("files", "path", "said"),
    [
        (["worker/mysink.py"], "worker.mysink:Sink", "`worker` is Legwork's own package"),
        (["worker.py"], "worker:Bare", "`worker` is Legwork's own package"),
        (["schemas/__init__.py"], "schemas.crm:Sink", "`schemas` is Legwork's own package"),
        (["json/crm.py"], "json.crm:Sink", "`json` is another module's name"),
        (["queue.py"], "queue:Bare", "`queue` is another module's name"),
    ],
)
def test_a_name_that_another_one_hides_is_told(own, tmp_path, files, path, said):
    """A folder `worker/` of one's own was "cannot be imported: No module named 'worker.mysink'", there for all to see."""
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(OWN, encoding="utf-8")
    hidden = path.partition(":")[0].partition(".")[0]
    with pytest.raises(BadSink, match=f"{said}, which hides the `{hidden}` of this folder: give that one another name"):
        sink_for(sink_spec(path))


def test_a_module_whose_own_import_is_hidden_is_told_so(own, tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/crm.py").write_text("", encoding="utf-8")
    (tmp_path / f"{own}.py").write_text("import schemas.crm", encoding="utf-8")
    with pytest.raises(BadSink, match=r"No module named 'schemas\.crm'; `schemas` is Legwork's own package"):
        sink_for(sink_spec(f"{own}:Sink"))


def test_a_name_that_nothing_hides_is_not_blamed(own, tmp_path):
    with pytest.raises(BadSink, match=r"cannot be imported: ModuleNotFoundError: No module named 'worker.mysink'$"):
        sink_for(sink_spec("worker.mysink:Sink"))
    with pytest.raises(BadSink, match=r"has no class Missing with a method send\(records\)$"):
        sink_for(sink_spec(f"{own}:Missing"))


def test_a_module_that_cannot_be_read_is_refused_with_the_reason(own, tmp_path):
    (tmp_path / f"{own}.py").write_text("def send(:", encoding="utf-8")
    with pytest.raises(BadSink, match="cannot be imported: SyntaxError"):
        sink_for(sink_spec(f"{own}:Sink"))


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    with pytest.raises(BadSink, match=r"there is no sink for `gopher:`; there are amqp, .*, and module:Class"):
        sink_for(sink_spec("gopher://host"))


# What only some sinks need


@pytest.mark.parametrize(
    ("url", "library", "needed"),
    [
        ("postgresql://127.0.0.1/x", "sqlalchemy", "psycopg pymysql sqlalchemy"),
        ("postgresql://127.0.0.1/x", "psycopg", "psycopg pymysql sqlalchemy"),
        ("mysql://127.0.0.1/x", "pymysql", "psycopg pymysql sqlalchemy"),
        ("sqlite:///x.db", "sqlalchemy", "psycopg pymysql sqlalchemy"),
        ("kafka://127.0.0.1", "confluent_kafka", "confluent-kafka"),
        ("s3://key:secret@bucket?region=x", "pyarrow", "pyarrow"),
        ("folder:x?format=parquet", "pyarrow", "pyarrow"),
    ],
)
def test_a_library_that_is_missing_is_named_with_what_installs_it(tmp_path, url, library, needed):
    """By the libraries' names: that of our own package is somebody else's on PyPI."""
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "from schemas.settings import SinkSpec; from worker.sinks import sink_for\n"
        f"sink = sink_for(SinkSpec(name='x', url={url!r}))\n"
        "try: sink.open()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", program]
    environ = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    said, _, command = done.stdout.partition("; ")
    assert said == f"PermanentFailure {library}: not installed", done.stderr
    *pip, _, prefix, verb = shlex.split(command)[:6]
    assert (pip, prefix, verb) == (["python3", "-m", "pip"], sys.prefix, "install")
    assert {re.split(r"[\[>]", text)[0] for text in shlex.split(command)[6:]} == set(needed.split())


def test_nobody_loads_what_he_does_not_use():
    program = (
        "import sys; from schemas.settings import SinkSpec; from worker.sinks import KINDS, kind_of\n"
        "for scheme in KINDS: kind_of(scheme + '://x')\n"
        "print(sorted({'sqlalchemy', 'psycopg', 'pymysql', 'confluent_kafka', 'pyarrow'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

"""Sinks that raise what nobody expects, wherever they are called: each is told by its name, and the others go on."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from factories import make_settings
from marshmallow import ValidationError
from sink_contract import sink_spec
from structlog.testing import capture_logs

from webhook.operations.checks import check_sinks
from webhook.operations.erasure import _kept_by
from webhook.operations.finding import Verdict
from webhook.operations.sinks import SinkOperations
from worker.ledger import Ledger
from worker.numbers.erasure import Eraser
from worker.sinks import BadSink, in_step, open_sinks
from worker.sinks.boundary import close

OWN = '''
import sys
import requests
from worker.sinks.base import Sink

class Bad(Sink):
    """Raises where it is told to, as its library may."""
    def __init__(self, spec):
        super().__init__(spec)
        self.where = self.url.partition("?where=")[2]
        self.surprise("init")

    def surprise(self, where):
        if where == self.where:
            raise AttributeError("'str' object has no attribute 'cert_reqs'")

    def open(self):
        self.surprise("open")

    def send(self, records):
        return "sent"

    def check(self):
        self.surprise("check")
        return "all is well"

    def erase(self, eraser, *, dry_run):
        self.surprise("erase")
        return []

    def forget_old(self):
        self.surprise("forget_old")
        return 0

    def close(self):
        self.surprise("close")

class Repeats(Bad):
    """Raises what its library does: an OSError of requests, which repeats the whole URL."""
    def surprise(self, where):
        if where == self.where.partition("&")[0]:
            raise requests.ConnectionError(f"no route to {self.url}")

class Reads(Bad):
    def surprise(self, where):
        if where == self.where:
            raise FileNotFoundError(2, "No such file or directory", "/no/such/file")

class Exits:
    def __init__(self):
        sys.exit("no configuration")

    def send(self, records):
        pass

class Async:
    async def send(self, records):
        pass

class Yields:
    def send(self, records):
        yield "nothing of this runs"

class AsyncOpen(Async):
    def send(self, records):
        pass

    async def open(self):
        pass

class NoBatch:
    batch = 0
    def send(self, records):
        pass

class TextBatch(NoBatch):
    batch = "100"

class ProperNoBatch(Bad):
    batch = -1
'''
SAID = "AttributeError: 'str' object has no attribute 'cert_reqs'"


@pytest.fixture
def own(own_module):
    return own_module(OWN)


def bad(own, where, name="bad"):
    return sink_spec(f"{own}:Bad?where={where}", name=name)


@pytest.mark.parametrize("where", ["init", "open", "check"])
def test_a_check_goes_on_with_the_next_sink(own, where):
    """`legwork check` ended with a traceback, and said nothing of the sinks after the one with a wrong option."""
    one, another = check_sinks([bad(own, where), sink_spec("stdout:", name="well")])
    assert (one.about, one.verdict, one.text) == ("sink bad", Verdict.WRONG, SAID)
    assert (another.about, another.verdict) == ("sink well", Verdict.OK)


@pytest.mark.parametrize("where", ["init", "open", "check"])
def test_an_os_error_of_a_library_repeats_no_secret(own, where):
    """An exception of requests is an OSError, which went through with the sink's token in its words."""
    (one,) = check_sinks([sink_spec(f"{own}:Repeats?where={where}&token=hunter2-hunter2", name="bad")])
    said = f"ConnectionError: no route to {own}:Repeats?where={where}&token=***"
    assert (one.verdict, one.text) == (Verdict.WRONG, said)


@pytest.mark.parametrize("where", ["open", "check"])
def test_a_file_that_is_missing_stays_that_and_says_what_would_be_right(own, where):
    (one,) = check_sinks([sink_spec(f"{own}:Reads?where={where}", name="bad")])
    assert one.text.startswith("/no/such/file cannot be opened (No such file or directory); make its directory")


@pytest.mark.parametrize("unchecked", [False, True])
def test_a_subscriber_that_is_refused_is_told_without_its_secret(own, unchecked, client):
    """With and without a look at whether somebody answers there."""
    where = "open" if unchecked else "check"
    ledger = Ledger(client, make_settings(legwork_secret_key=Fernet.generate_key().decode()))
    spec = sink_spec(f"{own}:Repeats?where={where}&token=hunter2-hunter2", name="bad")
    with pytest.raises(ValidationError) as caught:
        SinkOperations(ledger).add(spec, unchecked=unchecked)
    assert "ConnectionError: no route to" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_sink_that_cannot_be_closed_was_checked_all_the_same(own):
    with capture_logs() as logs:
        (one,) = check_sinks([bad(own, "close")])
    assert (one.verdict, one.text) == (Verdict.OK, "all is well")
    assert [(line["event"], line["reason"]) for line in logs] == [("sink.not_closed", SAID)]


def test_a_start_names_every_sink_that_is_wrong(own):
    sinks = f"{own}:Bad?where=init {own}:Bad?where=open {own}:Exits no_such_module:Sink"
    with pytest.raises(BadSink) as caught:
        open_sinks(make_settings(sinks=sinks))
    first, second, third, fourth = str(caught.value).splitlines()
    assert first.endswith(SAID)
    assert second.endswith(SAID)
    assert third.endswith("SystemExit: no configuration")
    assert "cannot be imported" in fourth


@pytest.mark.parametrize("where", ["init", "open"])
def test_a_subscriber_that_cannot_be_opened_is_left_out_and_the_others_are_opened(own, where):
    well = sink_spec("stdout:", name="well")
    assert list(in_step({}, {"bad": bad(own, where), "well": well})) == ["well"]


def test_a_sink_that_cannot_be_closed_keeps_no_other_from_it(own):
    specs = [bad(own, "close", "bad"), sink_spec("stdout:", name="well")]
    opened = in_step({}, {spec.name: spec for spec in specs})
    assert in_step(opened, {}) == {}
    close(opened["bad"])


def test_a_number_is_erased_elsewhere_though_one_sink_cannot(own):
    (kept,) = _kept_by(bad(own, "erase"), Eraser("+919000000002", {}, "IN"), dry_run=True)
    assert kept.problem == SAID


def test_old_files_are_deleted_elsewhere_though_one_sink_cannot(own, make_bench):
    specs = [bad(own, "forget_old"), sink_spec("stdout:", name="well")]
    bench = make_bench(sink_specs=specs, opened=in_step({}, {spec.name: spec for spec in specs}))
    with capture_logs() as logs:
        bench.context.forget_old_files()
    assert [(line["event"], line["reason"]) for line in logs] == [("sink.files_not_deleted", SAID)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Async", "Async.send must be a plain function"),
        ("Yields", "Yields.send must be a plain function"),
        ("AsyncOpen", "AsyncOpen.open must be a plain function"),
        ("NoBatch", "NoBatch.batch must be how many records"),
        ("TextBatch", "TextBatch.batch must be how many records"),
        ("ProperNoBatch", "ProperNoBatch.batch must be how many records"),
    ],
)
def test_what_would_count_as_delivered_and_send_nothing_is_refused_at_the_start(own, name, problem):
    """`async def send` returned a coroutine, which nobody awaited, and all counted as delivered. A batch of 0 stopped all."""
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=f"{own}:{name}"))

"""One trace a call, whichever process does which step, however many hours lie between."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import pytest
from factories import ACCOUNT, TOKEN
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode
from sink_contract import sink_spec
from stubs import StubServer, answer
from web_app import STATUS, WebApp
from worker_kit import SID, BatchSink, legs_answer

from worker.errors import PermanentFailure
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.queries.dead_letters import dead_letters
from worker.logs import with_trace_id
from worker.sinks import sink_for
from worker.steps.deliver import deliver
from worker.tracing.planned_ids import PlannedIds
from worker.tracing.recorder import Recorder

HOURS = 3600
NUMBER = "09000000001"
BROUGHT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Process:
    """A process's tracer, and what it has exported."""

    def __init__(self, sampler=None):
        ids = PlannedIds()
        provider = TracerProvider(sampler, id_generator=ids, shutdown_on_exit=False)
        self.exported = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self.exported))
        self.tracing = Recorder(provider, ids)

    @property
    def spans(self):
        return self.exported.get_finished_spans()


class Scene:
    """A services, a worker and a subscriber; each of the first two is a process of its own as to traces."""

    def __init__(self, redis_url, make_bench, receiver, *, sampler=None, **options):
        self.receiver = receiver
        self.web, self.worker = Process(sampler), Process(sampler)
        spec = sink_spec(f"{receiver.url}/in?token=secret-of-the-crm", name="crm", allow_private=True, **options)
        self.sink = sink_for(spec)
        self.sink.open()
        self.bench = make_bench(
            sink_specs=[spec],
            opened={"crm": self.sink},
            confirm_seconds=0,
            settle_seconds=0.001,
            delivery_schedule="5 30",
        )
        self.bench.context.tracing = self.worker.tracing
        self.app = WebApp(redis_url, exotel_base_url=self.bench.settings.accounts[0].base_url)
        services = self.app.app.extensions["legwork"]
        services.tracing = self.web.tracing
        services.settings = replace(services.settings, settle_seconds=0.001)  # 0 would have the door release it itself

    def call(self, call_sid=SID, **headers):
        data = {"CallSid": call_sid, "EventType": "terminal", "Status": "completed", "From": NUMBER}
        # The bench's clock stands in another year than Redis's own, which the door goes by.
        assert self.app.post(STATUS, data=data, headers=headers).status_code == 200
        self.bench.clock.now_ms = self.app.ledger.now_ms() + HOURS * 1000

    def deliver(self):
        leases = self.bench.ledger.deliveries[ACCOUNT, "crm"].backlog.lease(10)
        deliver(self.bench.context, ACCOUNT, "crm", leases)

    def later(self, hours=3):
        self.bench.clock.advance(hours * HOURS)

    @property
    def spans(self):
        return [*self.web.spans, *self.worker.spans]

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def close(self):
        self.app.close()
        self.sink.close()


@pytest.fixture
def receiver():
    with StubServer(answer()) as server:
        yield server


@pytest.fixture
def make_scene(redis_url, make_bench, receiver):
    scenes = []

    def make(**variables):
        scenes.append(Scene(redis_url, make_bench, receiver, **variables))
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.close()


@pytest.fixture
def scene(make_scene, exotel):
    exotel.always(legs_answer())
    return make_scene()


def test_a_call_is_one_trace_from_its_callback_to_its_delivery_hours_later(scene):
    scene.call()
    scene.later()
    scene.bench.fetch()
    scene.later()
    scene.deliver()
    assert len({span.context.trace_id for span in scene.spans}) == 1
    assert len({span.context.span_id for span in scene.spans}) == len(scene.spans)
    root, admit = scene.named("callback")[0], scene.named("admit")[0]
    fetch, get = scene.named("fetch")[0], scene.named("GET Legs.json")[0]
    decide, delivery = scene.named("decide")[0], scene.named("deliver")[0]
    assert root.parent is None
    assert {span.parent.span_id for span in (admit, fetch, delivery)} == {root.context.span_id}
    assert {span.parent.span_id for span in (get, decide)} == {fetch.context.span_id}
    assert [link.context.span_id for link in delivery.links] == [decide.context.span_id]
    assert (root.kind, fetch.kind, get.kind) == (SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT)
    assert fetch.attributes["legwork.settle_wait_seconds"] > 0
    assert fetch.attributes["legwork.quota_wait_seconds"] >= 3 * HOURS
    assert delivery.attributes["legwork.outcome"] == "delivered"


def test_a_second_callback_is_a_child_of_the_first(scene):
    scene.call()
    scene.call()
    first, second = scene.named("callback")
    assert (first.parent, second.parent.span_id) == (None, first.context.span_id)


def test_each_fetch_links_to_the_one_before(scene, exotel):
    exotel.then(legs_answer(statuses=["in-progress"]), answer(status=500))
    scene.call()
    for _ in range(3):
        scene.later(1)
        scene.bench.fetch()
    first, second, third = scene.named("fetch")
    assert first.links == ()
    assert second.links[0].context.span_id == first.context.span_id
    assert third.links[0].context.span_id == second.context.span_id
    outcomes = [(span.attributes["legwork.outcome"], span.status.status_code) for span in (first, second, third)]
    assert outcomes == [
        ("not_final", StatusCode.UNSET),
        ("unreachable", StatusCode.ERROR),
        ("final", StatusCode.UNSET),
    ]
    assert second.attributes["error.type"] == "Unreachable"
    assert scene.named("GET Legs.json")[1].attributes["http.response.status_code"] == 500


def test_a_delivery_that_is_given_up_has_a_span_for_each_attempt(scene):
    scene.receiver.always(answer(status=503))
    scene.call()
    scene.bench.fetch()
    for _ in range(3):
        scene.deliver()
        scene.later(1)
    spans = scene.named("deliver")
    assert [span.attributes["legwork.outcome"] for span in spans] == ["again", "again", "dead"]
    assert [span.attributes["legwork.attempt"] for span in spans] == [1, 2, 3]
    assert {span.status.status_code for span in spans} == {StatusCode.ERROR}
    assert {span.attributes["http.response.status_code"] for span in spans} == {503}


def test_the_subscriber_is_told_which_span_it_was_sent_from(scene):
    scene.call()
    scene.bench.fetch()
    scene.deliver()
    (delivery,) = scene.named("deliver")
    wanted = f"00-{delivery.context.trace_id:032x}-{delivery.context.span_id:016x}-01"
    assert scene.receiver.seen[0].headers.get_all("traceparent") == [wanted]


def test_a_traceparent_of_the_sinks_own_stays(make_scene, exotel):
    exotel.always(legs_answer())
    scene = make_scene(headers={"Traceparent": BROUGHT})
    scene.call()
    scene.bench.fetch()
    scene.deliver()
    assert scene.receiver.seen[0].headers.get_all("traceparent") == [BROUGHT]


def test_a_traceparent_from_outside_is_linked_to_and_not_gone_on_with(scene):
    scene.call(traceparent=BROUGHT)
    (root,) = scene.named("callback")
    (link,) = root.links
    assert f"{link.context.trace_id:032x}" in BROUGHT
    assert link.context.trace_id != root.context.trace_id


@pytest.mark.parametrize("brought", ["nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "é"])
def test_a_traceparent_that_cannot_be_read_is_as_good_as_none(scene, brought):
    scene.call(traceparent=brought)
    (root,) = scene.named("callback")
    assert root.links == ()


def test_a_call_is_kept_whole_or_not_at_all(make_scene, exotel):
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    scene = make_scene(sampler=ParentBasedTraceIdRatio(0.5))
    calls = [f"call{number:04}" for number in range(24)]
    for call_sid in calls:
        scene.call(call_sid)
    for _ in calls:
        scene.bench.fetch()
        scene.deliver()
    assert len(scene.receiver.seen) == len(calls)
    spans = {}
    for span in scene.spans:
        spans.setdefault(span.context.trace_id, []).append(span.name)
    assert 0 < len(spans) < len(calls)
    assert {tuple(sorted(names)) for names in spans.values()} == {
        ("GET Legs.json", "admit", "callback", "decide", "deliver", "fetch")
    }
    flags = [seen.headers["traceparent"][-2:] for seen in scene.receiver.seen]
    assert flags.count("01") == len(spans), "and the subscriber hears which"


def test_no_span_holds_a_number_a_secret_or_a_path_of_a_subscriber(scene, exotel):
    exotel.then(answer({"RestException": {"Message": f"no call of {NUMBER}"}}, 404))
    scene.receiver.always(answer(f"what of {NUMBER}?".encode(), 400))
    scene.call()
    scene.bench.fetch()
    scene.later(1)
    scene.bench.fetch()
    for _ in range(3):
        scene.deliver()
        scene.later(1)
    exported = "\n".join(span.to_json() for span in scene.spans)
    assert len(scene.named("deliver")) == 3
    for shown in (NUMBER, NUMBER[1:], TOKEN, "the-api-key", "the-api-token", "secret-of-the-crm", "/in"):
        assert shown not in exported
    told = [str(value) for span in scene.spans for name, value in span.attributes.items() if name != "legwork.call_sid"]
    assert not [text for text in told if re.search(r"\d{7}", text)]


def test_a_callback_that_could_not_be_noted_is_a_failure_and_no_root(scene):
    with (
        pytest.raises(ConnectionError),
        scene.web.tracing.callback(ACCOUNT, _Callback(), began=0.0, asked_by=None),
    ):
        raise ConnectionError(f"to {NUMBER}")
    (span,) = scene.named("callback")
    assert span.parent is not None
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "ConnectionError")


class _Callback:
    call_sid, kind, ended = SID, "status", True


def test_a_line_about_a_call_names_its_trace(scene):
    scene.call()
    (root,) = scene.named("callback")
    line = with_trace_id(logging.getLogger(), "info", {"account": ACCOUNT, "call_sid": SID})
    assert line["trace_id"] == f"{root.context.trace_id:032x}"
    assert "trace_id" not in with_trace_id(logging.getLogger(), "info", {"account": ACCOUNT})


class Office:
    """A worker with a sink that takes several records at once, and its spans."""

    def __init__(self, make_bench, **variables):
        spec = sink_spec("memory:", name="memory")
        self.sink = BatchSink(spec)
        self.bench = make_bench(sink_specs=[spec], opened={"memory": self.sink}, **variables)
        self.worker = Process()
        self.bench.context.tracing = self.worker.tracing

    def deliver(self):
        leases = self.bench.ledger.deliveries[ACCOUNT, "memory"].backlog.lease(10)
        deliver(self.bench.context, ACCOUNT, "memory", leases)

    def named(self, name):
        return [span for span in self.worker.spans if span.name == name]


def linked(span):
    return [link.context.span_id for link in span.links]


def test_a_correction_hours_later_is_in_the_same_trace_and_links_to_its_own_decision(make_bench, exotel):
    office = Office(make_bench, confirm_seconds=900)
    exotel.then(legs_answer(), legs_answer(statuses=["busy", "busy", "busy"]))
    office.bench.admit()
    office.bench.fetch()
    office.deliver()
    office.bench.clock.advance(5 * HOURS)
    office.bench.fetch()
    office.deliver()
    first, second = office.named("fetch")
    decided, corrected = office.named("decide")
    assert len({span.context.trace_id for span in office.worker.spans}) == 1
    assert linked(second) == [first.context.span_id]
    assert [linked(span) for span in office.named("deliver")] == [
        [decided.context.span_id],
        [corrected.context.span_id],
    ]
    records = [span.attributes["legwork.record"] for span in office.named("deliver")]
    assert records == ["1/completed", "2/corrected"]
    assert second.attributes["legwork.quota_wait_seconds"] >= 4 * HOURS


def test_a_call_that_is_given_up_and_retried_goes_on_in_its_trace(make_bench, exotel):
    office = Office(make_bench, confirm_seconds=0, retry_schedule="1")
    exotel.then(answer(status=500), answer(status=404), legs_answer())
    office.bench.admit()
    office.bench.fetch_until_done()
    office.deliver()
    ledger = office.bench.ledger
    assert DeadLetterOperations(ledger, clock=office.bench.clock).retry(dead_letters(ledger)).calls == 1
    office.bench.fetch_until_done()
    office.deliver()
    assert [span.attributes["legwork.outcome"] for span in office.named("decide")] == ["dead", "settled"]
    fetches, decided = office.named("fetch"), office.named("decide")
    assert [linked(span) for span in fetches] == [[], [fetches[0].context.span_id], [fetches[1].context.span_id]]
    deliveries = [span for span in office.named("deliver") if span.attributes["legwork.outcome"] == "delivered"]
    assert [linked(span) for span in deliveries] == [[span.context.span_id] for span in decided]
    assert len({span.context.trace_id for span in office.worker.spans}) == 1
    assert len({span.context.span_id for span in office.worker.spans}) == len(office.worker.spans)


@pytest.mark.parametrize("failure", [PermanentFailure("one of them is bad"), TypeError("of a library")], ids=repr)
def test_each_record_of_a_batch_has_a_span_in_the_trace_of_its_call(make_bench, exotel, failure):
    """A batch that a library tripped over is sent one by one, and its spans said `again`."""
    office = Office(make_bench, confirm_seconds=0)
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[5]))
    calls = [f"call{number:08}" for number in range(3)]
    for call_sid in calls:
        office.bench.admit(call_sid)
        office.bench.fetch()
    office.sink.failures = [failure]
    office.deliver()
    spans = office.named("deliver")
    outcomes = [span.attributes["legwork.outcome"] for span in spans]
    assert (outcomes, [span.attributes["legwork.batch"] for span in spans]) == (
        ["split"] * 3 + ["delivered"] * 3,
        [3, 3, 3, 1, 1, 1],
    )
    assert {span.attributes["legwork.call_sid"] for span in spans} == set(calls)
    assert len({span.context.trace_id for span in spans}) == 3
    assert len({span.context.span_id for span in spans}) == 6


def test_a_delivery_that_is_told_to_end_has_not_delivered(make_bench, exotel):
    """What is no Exception, as the word to end, left its span with the outcome of one that went well."""
    office = Office(make_bench, confirm_seconds=0)
    exotel.always(legs_answer())
    office.bench.admit()
    office.bench.fetch()
    office.sink.failures = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        office.deliver()
    (span,) = office.named("deliver")
    assert (span.attributes["legwork.outcome"], span.status.status_code) == ("crashed", StatusCode.ERROR)

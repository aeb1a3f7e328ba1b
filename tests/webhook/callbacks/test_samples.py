"""Every callback that is known of Exotel, from the wire to the record at a sink."""

from __future__ import annotations

import time

import orjson
import pytest
from factories import ACCOUNT, TOKEN
from payloads.reading import load_sample
from payloads.records import VALIDATOR
from payloads.samples import ANSWERS, CALLBACKS
from sink_contract import sink_spec
from stubs import StubServer, answer
from web_app import WebApp
from worker_kit import Workbench, legs_answer

from worker.sinks import sink_for
from worker.steps.deliver import deliver

LEGS = {sample.call_sid: sample for sample in ANSWERS.values() if sample.api == "legs" and sample.status == 200}


@pytest.fixture
def exotel():
    """Answers with the sample about the call, where there is one."""

    def choose(seen):
        call_sid = seen.target.split("/")[5]
        return answer(LEGS[call_sid].body) if call_sid in LEGS else legs_answer(call_sid)

    with StubServer() as server:
        server.choose(choose)
        yield server


@pytest.fixture
def sink(tmp_path):
    sink = sink_for(sink_spec(f"file://{tmp_path}/records.jsonl"))
    sink.open()
    return sink


@pytest.fixture
def bench(client, redis_url, exotel, sink):
    """A context for which everything noted by now is due."""
    spec = sink_spec("stdout:", name=sink.name)
    bench = Workbench(client, redis_url, exotel.url, sink_specs=[spec], opened={sink.name: sink}, confirm_seconds=0)
    bench.clock.now_ms = time.time() * 1000 + 600_000
    yield bench
    bench.close()


@pytest.fixture
def web(redis_url, bench):
    web = WebApp(redis_url)
    yield web
    web.close()


def post(web, sample):
    method, query, headers, body = sample.request
    path = f"/callbacks/{TOKEN}/{sample.to}"
    return web.client.open(path, method=method, query_string=query, headers=headers, data=body)


def record_of(bench, sink):
    """Do the rest of the work, and read the record where it was written."""
    bench.fetch()
    leases = bench.ledger.deliveries[ACCOUNT, sink.name].backlog.lease(10)
    deliver(bench.context, ACCOUNT, sink.name, leases)
    (line,) = sink.path.read_bytes().splitlines()
    return orjson.loads(line)


@pytest.mark.parametrize("sample", CALLBACKS.values(), ids=lambda sample: sample.name)
def test_a_callback_becomes_a_record(web, bench, sink, sample):
    answered = post(web, sample)
    assert (answered.status_code, answered.json) == (200, {"call_sid": sample.call_sid, "accepted": True})
    assert web.due_in(sample.call_sid) == pytest.approx(120 if sample.ended else 300, abs=5)
    record = record_of(bench, sink)
    VALIDATOR.validate(record)
    assert (record["type"], record["subject"]) == ("legwork.call.completed", sample.call_sid)
    (callback,) = record["data"]["callbacks"]
    assert (callback["kind"], callback["event"]) == (sample.to, sample.event)
    assert callback["params"] == load_sample(sample).params
    for name, value in sample.fields:
        assert "[" in name or callback["params"][name] == value, "values are untouched"


@pytest.mark.parametrize("name", ["S24a S24b S24c", "S26 S26b S28", "S15 S16 S25"])
def test_all_callbacks_of_a_call_are_in_its_one_record(web, bench, sink, name):
    samples = [CALLBACKS[part] for part in name.split()]
    accepted = [post(web, sample).json["accepted"] for sample in samples]
    assert accepted == [True, False, False]
    record = record_of(bench, sink)
    assert [callback["event"] for callback in record["data"]["callbacks"]] == [sample.event for sample in samples]
    assert bench.fetch() is None


def test_an_outbound_call_knows_its_customer_and_agent_from_callback_and_legs(web, bench, sink):
    """S28 says From and To; S1 has legs with these numbers."""
    post(web, CALLBACKS["S28"])
    data = record_of(bench, sink)["data"]
    assert (data["direction"], data["agent"], data["customer"]) == ("outbound", "+919000000001", "+919000000002")
    assert (data["status"], data["scenario"], data["talk_seconds"], data["participant_count"]) == (
        "completed",
        "multi_party",
        9,
        3,
    )
    assert (data["started_at"], data["ended_at"]) == ("2026-09-16T05:42:39Z", "2026-09-16T05:43:08Z")


def test_an_inbound_call_knows_them_from_its_legs_and_does_not_count_the_supervisor(web, bench, sink):
    post(web, CALLBACKS["S19"])
    data = record_of(bench, sink)["data"]
    assert (data["direction"], data["customer"], data["agent"]) == ("inbound", "+919000000011", None)
    assert (data["monitored"], data["participant_count"], data["scenario"]) == (True, 2, "direct")
    assert [leg["number_kind"] for leg in data["legs"]] == ["phone", "phone", "sip", "phone"]


def test_an_answer_in_xml_is_as_good(web, bench, sink):
    post(web, CALLBACKS["S27"])
    data = record_of(bench, sink)["data"]
    assert (data["status"], data["scenario"]) == ("no-answer", "unknown")
    assert data["legs"][0]["last_action"] is None

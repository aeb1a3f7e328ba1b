"""Traces are on when OpenTelemetry's variables ask for them, and cost nothing otherwise."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from end_to_end.stage import Stage, wait_until
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from stubs import StubServer, answer, held

from schemas.settings import SettingsError
from worker.tracing.environment import is_asked_for, refuse_what_is_wrong

ROOT = Path(__file__).parents[3]
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
BLOCK = "import sys; sys.modules['opentelemetry'] = None\n"


def run(program):
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def collector():
    with StubServer(answer(b"", 200, Content_Type="application/x-protobuf")) as server:
        yield server


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({ENDPOINT: "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({ENDPOINT: "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({ENDPOINT: "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_SERVICE_NAME": "calls"}, False),
    ],
)
def test_traces_are_on_when_they_have_somewhere_to_go(environ, asked):
    assert is_asked_for(environ) is asked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        (ENDPOINT, "127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_TRACES_SAMPLER", "some"),
        ("OTEL_TRACES_SAMPLER", " always_on"),
        (ENDPOINT, "http://127.0.0.1:99999"),
        (ENDPOINT, " http://127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(name, value):
    with pytest.raises(SettingsError, match=f"^{name}: "):
        refuse_what_is_wrong({name: value})


@pytest.mark.parametrize(
    "value", ["secret-of-the-collector", "api-key=x,secret-of-the-collector", "=secret-of-the-collector"]
)
def test_headers_that_cannot_be_read_are_refused_and_not_shown(value):
    """The SDK went on without them, and printed them."""
    with pytest.raises(SettingsError) as refused:
        refuse_what_is_wrong({"OTEL_EXPORTER_OTLP_HEADERS": value})
    assert str(refused.value).startswith("OTEL_EXPORTER_OTLP_HEADERS: ")
    assert "secret-of-the-collector" not in str(refused.value)


def test_what_the_sdk_can_work_with_is_not_refused(tmp_path):
    (tmp_path / "ca.pem").touch()
    refuse_what_is_wrong(
        {
            ENDPOINT: "https://user:pass@collector.example:4318/base",
            "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20x, api-key=a=b,",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2.5",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem"),
            "OTEL_BSP_MAX_QUEUE_SIZE": "512",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "0",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "",
        }
    )


@pytest.mark.parametrize("ratio", ["", "half", "1.5", "-0.1", "nan"])
def test_a_ratio_is_from_0_to_1(ratio):
    with pytest.raises(SettingsError, match=r"^OTEL_TRACES_SAMPLER_ARG: .* from 0 to 1"):
        refuse_what_is_wrong({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio})


def test_who_does_not_ask_does_not_load_it(redis_url):
    """redis-py imports the metrics of OpenTelemetry wherever they are installed; that much is not ours to say."""
    program = (
        "import sys; sys.path.insert(0, 'tests'); import redis; before = set(sys.modules)\n"
        f"from factories import make_settings; settings = make_settings({redis_url!r})\n"
        "from webhook.app import create_app; import worker.run; create_app(settings)\n"
        "found = set(sys.modules) - before\n"
        "print([name for name in found if name.startswith('opentelemetry') or name == 'worker.tracing.recorder'])\n"
        "print('worker.tracing.spans' in found)"
    )
    done = run(program)
    assert done.stdout.splitlines()[-2:] == ["[]", "True"], done.stderr


@pytest.mark.parametrize("command", ["web", "worker"])
def test_without_the_extra_the_start_says_what_to_install(command, redis_url):
    environ = {"REDIS_URL": redis_url, "EXOTEL_ACCOUNT_SID": "a", "EXOTEL_API_KEY": "k", "EXOTEL_API_TOKEN": "t"}
    environ |= {"CALLBACK_TOKEN": "test-callback-token-0001", "SINKS": "stdout:", ENDPOINT: "http://127.0.0.1:4318"}
    program = (
        f"import os; os.environ.update({environ!r})\nfrom webhook.cli import main; sys.argv[1:] = [{command!r}]; main()"
    )
    done = run(BLOCK + program)
    assert done.returncode == 2, done.stderr
    assert f"python3 -m pip --python {sys.prefix} install 'opentelemetry-" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_collector_that_hangs_holds_up_neither_the_work_nor_the_end(collector):
    gate = threading.Event()
    collector.always(held(gate, answer()))
    program = (
        f"import os, time; os.environ[{ENDPOINT!r}] = {collector.url!r}\n"
        "from worker.tracing.setup import begin_tracing\n"
        "tracing = begin_tracing(os.environ, 'here')\n"
        "class Callback: call_sid, kind, ended = 'call0001', 'status', True\n"
        "with tracing.callback('acme1m', Callback, began=time.perf_counter(), asked_by=None) as span: pass\n"
        "before = time.monotonic(); tracing.close(); print(time.monotonic() - before)"
    )
    done = run(program)
    gate.set()
    assert 1.5 < float(done.stdout) < 15, done.stderr


def test_a_collector_that_is_away_is_told_once():
    program = (
        "import os; os.environ['OTEL_EXPORTER_OTLP_TIMEOUT'] = '1'\n"
        f"os.environ[{ENDPOINT!r}] = 'http://127.0.0.1:1'\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "from worker.tracing.export import Aloud, exporting\n"
        "exporting('here'); aloud = Aloud(OTLPSpanExporter())\n"
        "for _ in range(3): aloud.export([])\n"
    )
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("traces.lost") == 1
    assert "Failed to export" not in done.stderr


@pytest.mark.slow
def test_the_processes_export_one_trace_of_a_call(tmp_path, collector):
    with Stage(tmp_path, **{ENDPOINT: collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}) as stage:
        web, worker = stage.start_line("web"), stage.start_line("worker")
        (sid,) = stage.place("answered")
        stage.post(sid)
        stage.wait_for(sid)
        # Sixty seconds have not gone by: what comes is what is exported at the end.
        for program in (worker, web):
            program.signal()
            program.ended()
        spans = wait_until(lambda: exported(collector), "spans")
    assert {(service, name) for service, name, _ in spans} == {
        ("legwork-web", "callback"),
        ("legwork-web", "admit"),
        ("legwork-worker", "fetch"),
        ("legwork-worker", "GET Legs.json"),
        ("legwork-worker", "decide"),
        ("legwork-worker", "deliver"),
    }
    assert len({trace for _, _, trace in spans}) == 1


def exported(collector):
    """The service, the name and the trace of each span that arrived."""
    return [
        (_service(group), span.name, span.trace_id)
        for seen in collector.seen
        for group in ExportTraceServiceRequest.FromString(seen.body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def _service(group):
    return next(pair.value.string_value for pair in group.resource.attributes if pair.key == "service.name")

"""The pages and figures that the door serves beside callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from factories import ACCOUNT, TOKEN, make_callback, make_settings
from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families

from webhook import create_app

if TYPE_CHECKING:
    from webhook.context.services import Services


@pytest.fixture
def app(redis_url):
    return create_app(make_settings(redis_url))


@pytest.fixture
def web(app):
    return app.test_client()


def admit(app, *sids: str) -> None:
    services: Services = app.extensions["legwork"]
    for sid in sids:
        services.ledger.calls[ACCOUNT].admit(make_callback(sid), wait_seconds=60)


def samples(text: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_metrics_tell_what_the_ledger_holds(app, web):
    admit(app, "call00001", "call00002")
    answer = web.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    found = samples(answer.text)
    assert found["legwork_calls_received_total", ACCOUNT] == 2
    assert found["legwork_calls", ACCOUNT, "waiting"] == 2
    assert found["legwork_quota_limit", ACCOUNT] == 200
    assert found["legwork_sink_state", "stdout", "active"] == 1


def test_without_a_ledger_there_are_no_metrics_and_the_page_says_so():
    web = create_app(make_settings()).test_client()
    assert web.get("/metrics").status_code == 503
    page = web.get("/")
    assert (page.status_code, "out of reach" in page.text) == (503, True)


def test_the_overview_shows_what_waits_and_that_no_worker_runs(app, web):
    admit(app, "call00001")
    page = web.get("/").text
    assert "call00001" in page
    assert "legwork worker" in page


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "127.0.0.1"}])
def test_without_a_password_the_console_knows_only_this_machine(app, headers):
    elsewhere = {"REMOTE_ADDR": "203.0.113.5"} if not headers else {"REMOTE_ADDR": "127.0.0.1"}
    assert app.test_client().get("/", environ_overrides=elsewhere, headers=headers).status_code == 404


def test_with_a_password_the_console_asks_for_it(redis_url):
    web = create_app(make_settings(redis_url, console_password="a long enough password")).test_client()
    assert web.get("/").status_code == 401
    assert web.get("/", auth=("me", "wrong")).status_code == 401
    assert web.get("/", auth=("me", "a long enough password")).status_code == 200


def test_the_interface_is_described_as_openapi(web):
    described = web.get("/openapi.json").json
    assert described["openapi"].startswith("3.1")
    assert "/callbacks/{token}/passthru" in described["paths"]
    assert TOKEN not in web.get("/openapi.json").text
    page = web.get("/docs").text
    assert all(path in page for path in described["paths"])


def test_the_schema_of_the_records_is_served(web):
    answer = web.get("/schemas/call-record/v1.json")
    assert answer.content_type == "application/schema+json"
    Draft202012Validator.check_schema(answer.json)

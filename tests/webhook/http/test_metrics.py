"""What is gathered by all processes is scraped from any of them."""

from __future__ import annotations

import sys
from importlib.metadata import version

import pytest
from factories import ACCOUNT, TOKEN, make_settings
from prometheus_client.parser import text_string_to_metric_families

from webhook import create_app
from worker import metrics
from worker.ledger.keys import METERS
from worker.metrics import CATALOG, Kind


@pytest.fixture
def apps(redis_url):
    found = [create_app(make_settings(redis_url)) for _ in range(2)]
    yield found
    for app in found:
        app.extensions["legwork"].ledger.meters.close()


def scrape(app):
    families = text_string_to_metric_families(app.test_client().get("/metrics").text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_a_callback_is_counted_and_its_answer_timed_in_whichever_process_took_it(apps):
    here, there = (app.test_client() for app in apps)
    url = f"/callbacks/{TOKEN}/status?CallSid=call0001&Status=completed"
    here.get(url)
    here.get(url)
    there.get(f"/callbacks/{TOKEN}/status")
    there.get(f"/callbacks/{'x' * 20}/passthru")
    for app in apps:
        app.extensions["legwork"].ledger.meters.flush()
    for app in apps:
        found = scrape(app)
        assert found["legwork_callbacks_total", ACCOUNT, "status", "new"] == 1
        assert found["legwork_callbacks_total", ACCOUNT, "status", "known"] == 1
        assert found["legwork_callbacks_refused_total", "status", "invalid"] == 1
        assert found["legwork_callbacks_refused_total", "passthru", "token"] == 1
        assert found["legwork_ack_seconds_count", "status"] == 2
        assert found["legwork_ack_seconds_bucket", "status", "+Inf"] == 2
        assert found["legwork_ack_seconds_sum", "status"] > 0


def test_buckets_grow_from_bound_to_bound(apps):
    meters = apps[0].extensions["legwork"].ledger.meters
    for seconds in (0.002, 0.2, 20.0):
        meters.observe(metrics.FETCH_SECONDS, seconds, ACCOUNT)
    found = scrape(apps[0])
    counts = [found["legwork_fetch_seconds_bucket", ACCOUNT, str(bound)] for bound in metrics.FETCH_SECONDS.buckets]
    assert counts == sorted(counts)
    assert counts[-1] == 2
    assert found["legwork_fetch_seconds_bucket", ACCOUNT, "+Inf"] == 3
    assert found["legwork_fetch_seconds_sum", ACCOUNT] == pytest.approx(20.202)


def test_every_gauge_of_the_catalog_is_told_and_nothing_that_is_not_in_it(apps):
    families = {
        family.name: family for family in text_string_to_metric_families(apps[0].test_client().get("/metrics").text)
    }
    gauges = {name for name, metric in CATALOG.items() if metric.kind is Kind.GAUGE}
    assert gauges <= families.keys()
    known = {name.removesuffix("_total") for name in CATALOG}
    assert families.keys() <= known


def test_the_build_tells_its_version_and_pythons(apps):
    python = ".".join(map(str, sys.version_info[:3]))
    assert scrape(apps[0])["legwork_build_info", python, version("legwork")] == 1


def test_a_counter_is_told_before_anything_is_counted_or_the_first_increase_would_not_show(apps):
    found = scrape(apps[0])
    for reason in ("token", "address", "invalid", "unavailable"):
        assert found["legwork_callbacks_refused_total", "passthru", reason] == 0
    assert found["legwork_calls_decided_total", ACCOUNT, "dead"] == 0
    assert found["legwork_delivery_attempts_total", "dead", "stdout"] == 0
    assert found["legwork_dispatcher_ticks_total",] == 0


def test_what_an_older_legwork_has_gathered_under_another_name_is_passed_over(apps, client):
    client.hset(METERS, "legwork_of_yesterday_total\x1facme1m", 7)
    assert "yesterday" not in apps[0].test_client().get("/metrics").text

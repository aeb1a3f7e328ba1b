"""Prometheus itself, by its promtool: it takes our metrics, rules and queries, and alerts fire when they should."""

from __future__ import annotations

import os
import shutil
import subprocess
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml
from factories import TOKEN, make_settings
from monitoring.written import DASHBOARD, ROOT, RULES

from webhook import create_app

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCALED_OBJECT = ROOT / "deploy/kubernetes/components/keda/scaled-object.yaml"
# A minute each: seven samples of one value, or one that changes.
ACCOUNT, SINK = 'account="acme1m"', 'sink="crm"'
ACTIVE = {f'legwork_account_state{{{ACCOUNT},state="active"}}': "1x40"}
YIELDING = f'legwork_account_state{{{ACCOUNT},state="yielding"}}'
WELL = {f'legwork_sink_state{{{SINK},state="active"}}': "1x40"}


class Case(NamedTuple):
    """Series that make an alert fire half an hour after their beginning, and series that look like them and do not."""

    fires: Mapping[str, str]
    silent: Mapping[str, str]
    labels: Mapping[str, str] = MappingProxyType({})


def quota(used):
    return {f"legwork_quota_used{{{ACCOUNT}}}": f"{used}x40", f"legwork_quota_limit{{{ACCOUNT}}}": "200x40"}


def waits(metric, labels, low, high, *, at="30"):
    """A histogram of which one value a minute is above `low` and at most `high`."""
    return {
        f'{metric}_bucket{{{labels}le="{low}"}}': "0x90",
        f'{metric}_bucket{{{labels}le="{high}"}}': "0+1x90",
        f'{metric}_bucket{{{labels}le="+Inf"}}': "0+1x90",
    }


def gauge(name, labels, loud, quiet, **of_the_alert):
    series = f"{name}{{{labels}}}" if labels else name
    return Case({series: f"{loud}x40"}, {series: f"{quiet}x40"}, of_the_alert)


LATE = {f"legwork_overdue_seconds{{{ACCOUNT}}}": "130x40"}
LATE_DELIVERY = {f"legwork_overdue_delivery_seconds{{{SINK}}}": "130x40"}
NEW = {"legwork_ledger_new": "1x1500"}
CASES = {
    "LegworkDown": Case({}, {"legwork_workers": "2x40"}),
    "LegworkNoWorkers": gauge("legwork_workers", "", 0, 1),
    "LegworkCallbacksNotStored": Case(
        # Redis was away for ten minutes, and with it the metrics.
        {'legwork_callbacks_refused_total{kind="status",reason="unavailable"}': "0x14 _x10 1x30"},
        {'legwork_callbacks_refused_total{kind="status",reason="token"}': "0x28 1x10"},
        {"kind": "status", "reason": "unavailable"},
    ),
    "LegworkLedgerNew": Case(
        NEW | {f"legwork_calls_received_total{{{ACCOUNT}}}": "7x30 0x1440"},
        NEW | {f"legwork_calls_received_total{{{ACCOUNT}}}": "0x1500"},
    ),
    "LegworkLedgerNearlyFull": Case(
        {"legwork_ledger_used_ratio": "0.5x40", "legwork_ledger_committed_ratio": "0.81x40"},
        {"legwork_ledger_used_ratio": "0.69x40", "legwork_ledger_committed_ratio": "0.79x40"},
    ),
    "LegworkAccountSuspended": gauge(
        "legwork_account_state", f'{ACCOUNT},state="suspended"', 1, 0, account="acme1m", state="suspended"
    ),
    # A storm of 429s every twelve minutes, each with its pause; and one alone, of which the share recovers.
    "LegworkQuotaShared": Case(
        {YIELDING: "1x11 0 1x11 0 1x20"}, {YIELDING: "0x12 1x14 0x40"}, {"account": "acme1m", "state": "yielding"}
    ),
    "LegworkCallsWaitLong": gauge("legwork_oldest_waiting_seconds", ACCOUNT, 43300, 43100, account="acme1m"),
    "LegworkCallsLate": Case(LATE | {YIELDING: "1x40"} | quota(120), LATE | ACTIVE | quota(190), {"account": "acme1m"}),
    "LegworkQuotaTooSmall": Case(
        waits("legwork_quota_wait_seconds", f"{ACCOUNT},", "900.0", "3600.0"),
        waits("legwork_quota_wait_seconds", f"{ACCOUNT},", "300.0", "900.0"),
        {"account": "acme1m"},
    ),
    "LegworkCallsDead": Case(
        {f'legwork_calls_decided_total{{{ACCOUNT},outcome="dead"}}': "0x28 1x10"},
        {f'legwork_calls_decided_total{{{ACCOUNT},outcome="settled"}}': "0x28 1x10"},
        {"account": "acme1m", "outcome": "dead"},
    ),
    "LegworkSinkFailing": gauge("legwork_sink_state", f'{SINK},state="failing"', 1, 0, sink="crm", state="failing"),
    "LegworkDeliveriesLate": Case(
        LATE_DELIVERY | WELL,
        LATE_DELIVERY | {f'legwork_sink_state{{{SINK},state="active"}}': "0x40"},
        {"sink": "crm"},
    ),
    "LegworkSinkDisabled": gauge("legwork_sink_state", f'{SINK},state="disabled"', 1, 0, sink="crm", state="disabled"),
    "LegworkDeadLetters": Case(
        {f'legwork_delivery_attempts_total{{{SINK},outcome="dead"}}': "0x28 1x10"},
        {f'legwork_delivery_attempts_total{{{SINK},outcome="again"}}': "0x28 1x10"},
        {"sink": "crm", "outcome": "dead"},
    ),
    "LegworkAckSlow": Case(
        waits("legwork_ack_seconds", 'kind="status",', "1.0", "2.5"),
        waits("legwork_ack_seconds", 'kind="status",', "0.5", "1.0"),
    ),
}
# What has to go on for longer, or to have been otherwise a day before.
MINUTES = {"LegworkLedgerNew": 1445, "LegworkQuotaTooSmall": 80}


@pytest.fixture(scope="session")
def promtool():
    """Run Prometheus's promtool. Without it a laptop skips, and CI, which fetches it, fails."""
    if shutil.which("promtool") is None:
        if os.environ.get("CI"):
            pytest.fail("no promtool on PATH: .ci/run fetches it")
        pytest.skip("no promtool on PATH: Debian's package prometheus has it")

    def run(*args, text=None):
        done = subprocess.run(
            ["promtool", *map(str, args)], input=text, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_a_scrape_is_as_prometheus_wants_it(promtool, redis_url):
    app = create_app(make_settings(redis_url))
    client = app.test_client()
    client.get(f"/callbacks/{TOKEN}/status?CallSid=call0001&Status=completed")
    app.extensions["legwork"].ledger.meters.close()
    assert promtool("check", "metrics", text=client.get("/metrics").text) == ""


def test_the_rules_are_rules(promtool):
    assert f"{len(RULES)} rules found" in promtool("check", "rules", ROOT / "monitoring/alerts.yml")


def test_the_dashboards_queries_are_queries(promtool, tmp_path):
    queries = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    file = rules_file(tmp_path, [query.replace("$__rate_interval", "1m") for query in queries])
    assert f"{len(queries)} rules found" in promtool("check", "rules", file)


def test_every_alert_is_tried():
    assert list(CASES) == [rule["alert"] for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_fires_when_it_should_and_only_then(promtool, tmp_path, rule):
    case, name = CASES[rule["alert"]], rule["alert"]
    bare = {key: value for key, value in rule.items() if key != "annotations"}
    alerts = tmp_path / "rules.yml"
    alerts.write_text(yaml.safe_dump({"groups": [{"name": "legwork", "rules": [bare]}]}))
    fires = [{"exp_labels": rule["labels"] | case.labels}]
    when = f"{MINUTES.get(name, 30)}m"
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "alert_rule_test": [{"eval_time": when, "alertname": name, "exp_alerts": expected}],
        }
        for given, expected in ((case.fires, fires), (case.silent, []))
    ]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", file)


@pytest.mark.parametrize(
    ("number", "given", "expected"),
    [
        (0, LATE | ACTIVE | quota(120), 130),
        (0, LATE | {YIELDING: "1x40"} | quota(120), 130),
        (0, LATE | ACTIVE | quota(190), 0),  # the quota is spent: more workers would wait for it
        (0, LATE | {f'legwork_account_state{{{ACCOUNT},state="active"}}': "0x40"} | quota(0), 0),
        (0, {}, 0),
        (1, LATE_DELIVERY | WELL, 130),
        (1, LATE_DELIVERY | {f'legwork_sink_state{{{SINK},state="active"}}': "0x40"}, 0),
        (1, {}, 0),
    ],
)
def test_keda_asks_for_workers_when_they_would_help(promtool, tmp_path, number, given, expected):
    (scaled,) = yaml.safe_load_all(SCALED_OBJECT.read_text(encoding="utf-8"))
    query = scaled["spec"]["triggers"][number]["metadata"]["query"]
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in given.items()],
        "promql_expr_test": [{"expr": query, "eval_time": "30m", "exp_samples": [{"labels": "{}", "value": expected}]}],
    }
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}))
    promtool("test", "rules", file)


def rules_file(folder: Path, queries):
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = folder / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    return file

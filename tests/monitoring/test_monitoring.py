"""The alert rules and the dashboard speak of metrics that there are, and every alert says what to do."""

from __future__ import annotations

import re

import pytest
from monitoring.written import DASHBOARD, ROOT, RULES

from worker.metrics import CATALOG, Kind

RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
LABELS = {label for metric in CATALOG.values() for label in metric.labels} | {"le"}


def series():
    """Every name under which Prometheus keeps something of ours."""
    for name, metric in CATALOG.items():
        yield from (
            [f"{name}_{part}" for part in ("bucket", "sum", "count")] if metric.kind is Kind.HISTOGRAM else [name]
        )


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_series_and_every_label_is_in_the_catalog(expression):
    assert set(re.findall(r"legwork_\w+", expression)) <= set(series())
    assert set(re.findall(r"legwork_\w+", expression))
    for labels in re.findall(r"(?:by|without) \(([^)]*)\)", expression):
        assert {label.strip() for label in labels.split(",")} <= LABELS
    assert set(re.findall(r"(\w+)(?:!?=|=~)\"", expression)) <= LABELS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_its_section_in_the_runbook(rule):
    assert f"\n## {rule['alert']}\n" in RUNBOOK
    assert rule["annotations"]["runbook_url"].endswith(f"#{rule['alert'].lower()}")
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].endswith(".")
    values = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert values <= LABELS


def test_the_runbook_speaks_of_no_alert_that_there_is_not():
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_the_dashboard_has_a_place_for_each_panel():
    places = [tuple(panel["gridPos"][key] for key in "xy") for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)

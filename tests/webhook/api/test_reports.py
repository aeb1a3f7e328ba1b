"""`/api/reports` gives what the command line does, for the same calls."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from cli_kit import json_of, run
from reporting import AGENT, BEGAN, CUSTOMER, OTHER_CUSTOMER, SOFTPHONE, inbound, keep, outbound
from structlog.testing import capture_logs

from webhook.operations.reports.kinds import COLUMNS


@pytest.fixture
def full(web):
    keep(web.ledger, inbound("call00001", CUSTOMER, (AGENT, 0), (SOFTPHONE, 27), wait=9))
    keep(web.ledger, inbound("call00002", OTHER_CUSTOMER, (AGENT, 0), at=BEGAN + timedelta(hours=3)))
    keep(web.ledger, outbound("call00003", OTHER_CUSTOMER, at=BEGAN + timedelta(hours=4)))
    return web


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, []),
        ({"numbers": "true"}, ["--numbers"]),
        ({"since": "2026-09-16T08:30:00Z"}, ["--since", "2026-09-16T08:30Z"]),
        ({"until": "2026-09-16T14:00:00+05:30"}, ["--until", "2026-09-16T08:30Z"]),
        ({"account": "acme1m"}, ["--account", "acme1m"]),
    ],
)
def test_the_api_and_the_command_line_give_the_same(full, redis_url, name, query, options):
    rows = full.get(f"/api/reports/{name}?{urlencode(query)}").json
    assert rows == json_of("report", name, *options, redis_url=redis_url)
    assert rows or (name, *query) == ("missed", "until"), "by then none was missed"
    text = full.get(f"/api/reports/{name}.csv?{urlencode(query)}").data
    assert text == run("report", name, *options, "--format", "csv", redis_url=redis_url).stdout_bytes


def test_numbers_are_whole_only_if_they_are_asked_for_and_that_is_logged(full):
    for ending in ("", ".csv"):
        assert "9000000012" not in full.get(f"/api/reports/missed{ending}").text
        with capture_logs() as logs:
            assert OTHER_CUSTOMER in full.get(f"/api/reports/missed{ending}?numbers=true").text
        assert [(line["event"], line["report"]) for line in logs] == [("api.numbers_shown", "missed")]
        assert OTHER_CUSTOMER not in str(logs)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/reports/agents?account=acme9m", 404, "Known accounts: acme1m"),
        ("/api/reports/agent.csv", 404, "Reports: agents, missed, hours, callers"),
        ("/api/reports/agents?since=today", 422, "Give a timestamp with a UTC offset"),
        ("/api/reports/agents?from=2026-01-01T00:00:00Z", 422, "No such parameter"),
        ("/api/reports/agents?numbers=yes", 422, "numbers"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(web, path, status, said):
    answer = web.get(path)
    assert answer.status_code == status
    assert said in answer.text

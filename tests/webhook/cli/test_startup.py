"""What the commands that people run at night import: nothing that they do not use, so that they start fast.

`benchmarks/startup.py` measures the time; here are the modules, which no load can change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cli_kit import ENVIRON, open_ledger, settle

# Runs `legwork …`, and prints what was imported as the last line of standard error, however the command ends.
SCRIPT = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from webhook.cli import main
main()
"""
# The web server and its framework, the task queue, the log, phone numbers, and what single kinds of sinks need.
# OpenTelemetry is not among them: redis-py imports it wherever it is installed.
NEVER = {
    *("celery", "kombu", "amqp", "billiard"),
    *("flask", "flask_smorest", "werkzeug", "webargs", "apispec", "jinja2", "granian", "honcho"),
    *("structlog", "pygments", "attr", "phonenumbers", "prometheus_client"),
    *("sqlalchemy", "psycopg", "pymysql", "pyarrow", "confluent_kafka", "requests_hardened", "standardwebhooks"),
    *("webhook.app", "webhook.up", "webhook.server", "worker.celery", "worker.logs", "worker.tracing.environment"),
}
HTTP = {"requests", "urllib3", "charset_normalizer", "idna", "http.client"}
# Only tables and colours need it.
RICH = {"rich"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory):
    """The environment of a command, without any of the shell that the tests were started in."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home")), **ENVIRON}


def imported_by(*arguments, redis_url, environ, directory):
    """The modules that a command imports, from its start to its end."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**environ, "REDIS_URL": redis_url, "EXOTEL_BASE_URL": "http://127.0.0.1:9"},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    *_, last = result.stderr.splitlines()
    modules = set(json.loads(last))
    assert "worker.ledger" in modules, result.stderr
    return modules


UNUSED = {
    "status": NEVER | HTTP,
    "status --json": NEVER | HTTP | RICH,
    "calls list": NEVER | HTTP,
    "calls list --json": NEVER | HTTP | RICH,
    "report hours": NEVER | HTTP,
    "report hours --json": NEVER | HTTP | RICH,
    "dead list": NEVER | HTTP,
    "check": NEVER,
    "check --json": NEVER | RICH,
}


@pytest.mark.parametrize("command", UNUSED)
def test_a_command_imports_nothing_that_it_does_not_use(redis_url, environ, tmp_path, command):
    ledger = open_ledger(redis_url)
    settle(ledger, "settled0001")
    settle(ledger, "dead00000001", "dead", "404")
    found = imported_by(*command.split(), redis_url=redis_url, environ=environ, directory=tmp_path)
    assert found & UNUSED[command] == set()


def test_check_imports_the_kinds_of_sinks_that_are_configured_and_no_others(redis_url, environ, tmp_path):
    given = {**environ, "SINKS": f"file:{tmp_path / 'records.jsonl'}"}
    found = imported_by("check", redis_url=redis_url, environ=given, directory=tmp_path)
    kinds = {"worker.sinks.amqp", "worker.sinks.file", "worker.sinks.http", "worker.sinks.kafka", "worker.sinks.sql"}
    assert found & kinds == {"worker.sinks.file"}

"""A Redis user that has exactly the rights that docs/operations.md names."""

from __future__ import annotations

import re

import pytest
import requests
from factories import TOKEN, make_settings
from processes import ROOT, WEB, WORKER, Process, until
from worker_kit import legs_answer

from webhook.operations.checks import check_broker, check_capacity, check_durability, check_ledger, check_redis
from webhook.operations.finding import Verdict
from worker.connections import connect
from worker.ledger import Ledger
from worker.process.embedded_redis import free_port

pytestmark = pytest.mark.slow

PASSWORD = "a-password-of-a-user"
(LINE,) = re.findall(
    r"^ACL SETUSER legwork on >PASSWORD (.*)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
)
RIGHTS = LINE.split()
# What it says can be done without.
OPTIONAL = {"+info", "+config|get"}


@pytest.fixture(params=["all", "without what can be done without"])
def url(request, client, redis_url):
    rights = RIGHTS if request.param == "all" else [right for right in RIGHTS if right not in OPTIONAL]
    client.execute_command("ACL", "SETUSER", "legwork", "reset", "on", f">{PASSWORD}", *rights)
    client.execute_command("ACL", "LOG", "RESET")
    yield f"redis://legwork:{PASSWORD}@{redis_url.rpartition('@')[2]}"
    client.execute_command("ACL", "DELUSER", "legwork")


@pytest.fixture
def port(tmp_path, url, exotel):
    """A web and a worker at work as that user; the port of the web."""
    exotel.choose(lambda seen: legs_answer(seen.target.split("/")[-2]))
    variables = {
        "redis_url": url,
        "exotel_base_url": exotel.url,
        "sinks": f"file:{tmp_path}/records.jsonl",
        "settle_seconds": 0,
        "confirm_seconds": 0.1,
        "port": free_port(),
    }
    web, worker = (
        Process(program, tmp_path / name, **variables) for name, program in (("web", WEB), ("worker", WORKER))
    )
    worker.wait_for("worker.ready")
    until(lambda: web.runs and answers(variables["port"]))
    yield variables["port"]
    worker.stop()
    web.stop()


def answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def test_a_web_and_a_worker_work_with_the_rights_that_are_documented(port, url, client, tmp_path):
    sids = [f"call{number:05}" for number in range(5)]
    callbacks = f"http://127.0.0.1:{port}/callbacks/{TOKEN}"
    for sid in sids:
        assert (
            requests.post(f"{callbacks}/status", data={"CallSid": sid, "Status": "completed"}, timeout=20).status_code
            == 200
        )
    records = tmp_path / "records.jsonl"
    until(lambda: records.exists() and len(records.read_text().splitlines()) == len(sids))
    assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=20).ok
    denied = {entry["object"] for entry in client.acl_log()}
    assert denied <= {"info", "config|get"}


def test_check_is_content_with_them_too(url):
    settings = make_settings(url)
    client = connect(settings)
    found = [
        check_redis(settings, client),
        *check_capacity(client),
        *check_durability(client),
        *check_ledger(Ledger(client, settings)),
        *check_broker(settings),
    ]
    client.close()
    # The tests' own server keeps nothing on disk, and that is seen if it may be.
    assert not [one for one in found if one.verdict is Verdict.WRONG and not one.text.startswith("append")]

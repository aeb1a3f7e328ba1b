"""The commands in docs/api.md work as they stand there, typed into a shell, against the interface on a real socket."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cli_kit import ENVIRON, open_ledger, settle
from factories import ACCOUNT, make_callback, make_settings
from werkzeug.serving import make_server

from webhook import create_app
from worker.ledger.registry.tokens import Scope, Tokens

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/api.md").read_text(encoding="utf-8")
TOKEN, *ASKED = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def legwork(redis_url, tmp_path):
    """Where the interface is, with a call in it, and a sink called crm."""
    ledger = open_ledger(redis_url)
    settle(ledger, "settled00001")
    ledger.calls[ACCOUNT].admit(make_callback("ending0614", From="09000000614"), wait_seconds=60)
    config = tmp_path / "legwork.toml"
    config.write_text('[[sinks]]\nname = "crm"\nurl = "stdout:"\n', encoding="utf-8")
    settings = make_settings(redis_url, console_password="a long enough one", legwork_config=config, sinks="")
    server = make_server("127.0.0.1", 0, create_app(settings))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def typed(commands, redis_url, folder, **variables):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "PATH": path, **variables}
    done = subprocess.run(
        ["/bin/sh", "-c", commands], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_examples_do_what_the_page_says(legwork, redis_url, tmp_path):
    status, search, retry = ASKED
    told = json.loads(typed(TOKEN + status, redis_url, tmp_path, LEGWORK=legwork))
    assert told["calls"]["settled"] == 1
    ledger = open_ledger(redis_url)
    token = Tokens(ledger.client).create("crm-sync", Scope.OPERATE, now_ms=ledger.now_ms())
    found = json.loads(typed(search, redis_url, tmp_path, LEGWORK=legwork, TOKEN=token))
    assert [call["call_sid"] for call in found["calls"]] == ["ending0614"]
    counted = json.loads(typed(retry, redis_url, tmp_path, LEGWORK=legwork, TOKEN=token))
    assert counted == {"dry_run": True, "calls": 0, "deliveries": 0, "wrong": []}


def test_every_path_of_the_page_is_one_and_the_other_way_round(redis_url):
    described = create_app(make_settings(redis_url)).test_client().get("/openapi.json").json["paths"]
    rooms = {path.split("/")[2] for path in described if path.startswith("/api/")}
    assert set(re.findall(r"/api/(\w+(?:\.csv)?)", TEXT)) == rooms

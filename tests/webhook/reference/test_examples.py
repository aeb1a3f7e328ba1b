"""Every example of /docs and of /openapi.json does what it says, against the service on a real socket."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import threading

import pytest
import requests
from cli_kit import open_ledger, settle
from factories import ACCOUNT, TOKEN, make_settings
from stubs import StubServer, answer
from subscribing import KEY
from werkzeug.serving import make_server

from webhook import create_app
from worker.ledger.registry.tokens import Scope, Tokens

SID = "settled00001"
DOCUMENT = create_app(make_settings()).test_client().get("/openapi.json").json
COMMANDS = [
    html.unescape(found)
    for found in re.findall(
        r"<pre>(curl .*?)</pre>", create_app(make_settings()).test_client().get("/docs").text, re.DOTALL
    )
]


def examples():
    """Each example of a body, as the method, the path, the kind of content and the example."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or "requestBody" not in operation:
                continue
            for media, content in operation["requestBody"]["content"].items():
                given = [each["value"] for each in content.get("examples", {}).values()]
                given += [content["example"]] if "example" in content else []
                yield from ((method, path, media, example) for example in given)


@pytest.fixture
def service(redis_url):
    """Where it is, with a settled call and a webhook called erp, and a token that may do everything."""
    ledger = open_ledger(redis_url)
    settle(ledger, SID)
    token = Tokens(ledger.client).create("reader", Scope.OPERATE, now_ms=ledger.now_ms())
    settings = make_settings(redis_url, console_password="a long enough one", legwork_secret_key=KEY)
    server = make_server("127.0.0.1", 0, create_app(settings))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with StubServer(answer()) as receiver:
        added = requests.post(
            f"{url}/api/sinks",
            json={"name": "erp", "url": receiver.url, "options": {"allow_private": True}},
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert added.status_code == 201, added.text
        yield {
            "LEGWORK": url,
            "TOKEN": token,
            "CALLBACK_TOKEN": TOKEN,
            "SID": SID,
            "ACCOUNT": ACCOUNT,
            "NAME": "erp",
            "REPORT": "agents",
        }
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_operation_has_its_command_on_the_page():
    assert len(COMMANDS) == sum(len(item.keys() - {"parameters"}) for item in DOCUMENT["paths"].values())


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_does_what_it_is_there_for(service, tmp_path, command):
    """The one of a callback was answered with 400."""
    # What the page leaves to whoever types it: that an answer of 4xx or 5xx is no success.
    (tmp_path / ".curlrc").write_text("fail-with-body\nsilent\n", encoding="utf-8")
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={**os.environ, "CURL_HOME": str(tmp_path), **service},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("method", "path", "media", "example"), list(examples()))
def test_an_example_of_the_document_is_taken(service, method, path, media, example):
    filled = (
        path.replace("{token}", TOKEN)
        .replace("{sid}", SID)
        .replace("{account}", ACCOUNT)
        .replace("{name}", "erp")
        .replace("{report}", "agents")
    )
    body = {"application/json": {"json": example}, "multipart/form-data": {"files": _parts(example)}}
    taken = requests.request(
        method,
        service["LEGWORK"] + filled,
        headers={"Authorization": f"Bearer {service['TOKEN']}"},
        timeout=10,
        **body.get(media, {"data": example}),
    )
    assert taken.ok, taken.text
    assert taken.request.headers["Content-Type"].partition(";")[0] == media


def _parts(example):
    return {name: (None, value) for name, value in example.items() if isinstance(value, str)}

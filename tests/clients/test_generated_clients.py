"""Clients that others' programs make out of /openapi.json compile, and do with a running service what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import requests

TYPESCRIPT = """
import createClient from "openapi-fetch";
import type { components, paths } from "./legwork.js";

declare const process: { argv: string[] };
const [url, token, callbackToken] = process.argv.slice(2);
const legwork = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

const status = await legwork.GET("/api/status");
const settled: number | undefined = status.data?.calls.settled;
const call = await legwork.GET("/api/calls/{sid}", { params: { path: { sid: "settled00001" } } });
const added = await legwork.POST("/api/sinks", { body: { name: "NO", url: "file:x" } });
const wrong: components["schemas"]["Problem"] | undefined = added.error;
const callback = await legwork.POST("/callbacks/{token}/status", {
  params: { path: { token: callbackToken } },
  body: { CallSid: "bytypescript01", Status: "completed" },
});
const passthru = await legwork.GET("/callbacks/{token}/passthru", {
  params: { path: { token: callbackToken }, query: { CallSid: "bytypescript01" } },
});
type Data = components["schemas"]["CallRecord"]["data"];
const names: (keyof Data)[] = ["legs", "talk_seconds"];
// @ts-expect-error: a call is named
await legwork.GET("/callbacks/{token}/passthru", { params: { path: { token: "wrong" } } });
const answers = [callback.data, passthru.data];
console.log(JSON.stringify([settled, call.data?.state, added.response.status, wrong?.title, ...answers, names]));
"""

PYTHON = """
import json, sys
from legwork_client import AuthenticatedClient, Client
from legwork_client.api.callbacks import passthru_by_query, status_by_body
from legwork_client.api.calls import read_call, search_calls
from legwork_client.api.probes import livez, readyz
from legwork_client.api.sinks import add_sink, list_sinks
from legwork_client.api.status import read_status
from legwork_client.models import CallbackBatch, CallbackForm, CallbackJson, CallbackMultipart, Search, Subscriber

url, token, callback_token = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token) as legwork, Client(base_url=url) as anybody:
    said = [read_status.sync(client=legwork).calls.settled]
    said.append(read_call.sync("settled00001", client=legwork).state)
    said.append(search_calls.sync(client=legwork, body=Search(text="+919000000001")).next_)
    said.append(add_sink.sync(client=legwork, body=Subscriber(name="NO", url="file:x")).title)
    said.append([sink.name for sink in list_sinks.sync(client=legwork)])
    said.append([livez.sync(client=anybody).status, readyz.sync(client=anybody).status])
    said.append(passthru_by_query.sync(callback_token, client=anybody, call_sid="bypython0000").accepted)
    for number, kind in enumerate((CallbackForm, CallbackMultipart, CallbackJson), 1):
        body = kind(call_sid=f"bypython000{number}")
        said.append(status_by_body.sync(callback_token, client=anybody, body=body).accepted)
    batch = CallbackBatch(call_sids=["bypython0004", "bypython0005"])
    said.append([each.call_sid for each in status_by_body.sync(callback_token, client=anybody, body=batch).calls])
print(json.dumps(said))
"""


def test_what_openapi_typescript_makes_compiles_and_works(run_npm, npm_folder, service):
    """It refused the document whole: references of the record's schema led nowhere."""
    document = npm_folder / "openapi.json"
    document.write_bytes(requests.get(f"{service.url}/openapi.json", timeout=10).content)
    run_npm("openapi-typescript", document, "--output", "legwork.d.ts", folder=npm_folder)
    (npm_folder / "client.ts").write_text(TYPESCRIPT, encoding="utf-8")
    options = [
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--moduleResolution",
        "nodenext",
    ]
    run_npm("tsc", *options, "client.ts", folder=npm_folder)
    said = json.loads(run_npm("node", "client.js", *service, folder=npm_folder))
    answer = {"call_sid": "bytypescript01", "accepted": True}
    known = answer | {"accepted": False}
    assert said == [1, "settled", 422, "Unprocessable Entity", answer, known, ["legs", "talk_seconds"]]


def test_what_openapi_python_client_makes_compiles_and_works(tmp_path, service):
    document = tmp_path / "openapi.json"
    document.write_bytes(requests.get(f"{service.url}/openapi.json", timeout=10).content)
    environ = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # it looks for ruff
    made = run(
        *("openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
        *("--path", str(document), "--output-path", str(tmp_path / "legwork_client")),
        folder=tmp_path,
        environ=environ,
    )
    assert "WARNING" not in made
    run("compileall", "-q", "legwork_client", folder=tmp_path, environ=environ)
    (tmp_path / "client.py").write_text(PYTHON, encoding="utf-8")
    said = json.loads(run("client", *service, folder=tmp_path, environ=environ))
    calls = ["bypython0004", "bypython0005"]
    problem = "Unprocessable Entity"
    assert said == [1, "settled", None, problem, ["stdout"], ["alive", "ready"], True, True, True, True, calls]


def run(module, *arguments, folder, environ):
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

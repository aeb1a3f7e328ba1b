"""The linters and generators of others, which tools/npm.sh installs, and a running service for the clients that they make."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_kit import open_ledger, settle
from factories import TOKEN, make_settings
from werkzeug.serving import make_server

from webhook import create_app
from worker.ledger.registry.tokens import Scope, Tokens

ROOT = Path(__file__).parents[2]
NPM = ROOT / ".tools/npm"


class Service(NamedTuple):
    """A running Legwork: where it is, a token that may do everything, and the account's token for callbacks."""

    url: str
    token: str
    callback_token: str


@pytest.fixture(scope="session")
def run_npm():
    """Run a program of an npm package, and return what it printed. Without it a laptop skips, and CI fails."""
    if not (NPM / "node_modules/.bin").is_dir():
        missing = "run tools/npm.sh, which installs what tests/clients/package-lock.json names"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)

    def run(program, *arguments, folder):
        path = program if program == "node" else NPM / "node_modules/.bin" / program
        done = subprocess.run(
            [path, *arguments],
            cwd=folder,
            # Neither tells anybody what it does, nor asks whether there is a newer one.
            env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def npm_folder(tmp_path):
    """A folder in which programs in JavaScript find the packages."""
    (tmp_path / "node_modules").symlink_to(NPM / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return tmp_path


@pytest.fixture
def service(redis_url):
    """One with a call in it, on a real socket."""
    ledger = open_ledger(redis_url)
    settle(ledger, "settled00001")
    server = make_server("127.0.0.1", 0, create_app(make_settings(redis_url, console_password="a long enough one")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    token = Tokens(ledger.client).create("clients", Scope.OPERATE, now_ms=ledger.now_ms())
    yield Service(f"http://127.0.0.1:{server.server_port}", token, TOKEN)
    server.shutdown()
    thread.join()
    server.server_close()

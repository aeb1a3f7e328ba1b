"""What docs/runbook.md has somebody type at night works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from factories import ACCOUNT, TOKEN, make_settings
from werkzeug.serving import make_server

from webhook import create_app
from worker.ledger.backlog import Lane

TEXT = (Path(__file__).parents[2] / "docs/runbook.md").read_text(encoding="utf-8")
(NAMING,) = re.findall(r"^```sh\n(while .*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SIDS = ["lost00000001", "lost00000002"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_calls_that_are_named_are_fetched(redis_url, tmp_path):
    app = create_app(make_settings(redis_url, settle_seconds=60))
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    (tmp_path / "sids").write_text("\n".join(SIDS) + "\n", encoding="utf-8")
    commands = NAMING.replace("localhost:8000", f"127.0.0.1:{server.server_port}")
    environ = {**os.environ, "CALLBACK_TOKEN": TOKEN}
    try:
        for _ in range(2):
            subprocess.run(["/bin/sh", "-ec", commands], cwd=tmp_path, env=environ, check=True, timeout=60)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    ledger = app.extensions["legwork"].ledger
    due = ledger.client.zrange(ledger.calls[ACCOUNT].fetches.due_key(Lane.LIVE), 0, -1)
    assert sorted(raw.decode() for raw in due) == SIDS

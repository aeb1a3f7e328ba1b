"""What docs/runbook.md has somebody type at night works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from cli_kit import ENVIRON, open_ledger
from factories import ACCOUNT

from worker.ledger.backlog import Lane

TEXT = (Path(__file__).parents[2] / "docs/runbook.md").read_text(encoding="utf-8")
(IMPORTING,) = re.findall(r"^```sh\n(legwork import .*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SIDS = ["lost00000001", "lost00000002"]


def test_calls_that_are_named_are_fetched(redis_url, tmp_path):
    (tmp_path / "sids").write_text("\n".join(SIDS) + "\n", encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, **ENVIRON, "REDIS_URL": redis_url, "PATH": path}
    for _ in range(2):
        subprocess.run(["/bin/sh", "-ec", IMPORTING], cwd=tmp_path, env=environ, check=True, timeout=60)
    ledger = open_ledger(redis_url)
    due = ledger.client.zrange(ledger.calls[ACCOUNT].fetches.due_key(Lane.RECONCILE), 0, -1)
    assert sorted(raw.decode() for raw in due) == SIDS

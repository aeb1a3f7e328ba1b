"""The package that the receiver in Node needs, installed once a run, outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory):
    """A copy of examples/receiver-node with its one package. Without node a laptop skips, and CI fails."""
    folder = tmp_path_factory.mktemp("receiver-node")
    for name in ("receiver.js", "package.json", "package-lock.json"):
        shutil.copy(ROOT / "examples/receiver-node" / name, folder)
    if shutil.which("node") is None or shutil.which("npm") is None:
        _missing("no node, or no npm, on PATH")
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        _missing(f"npm ci failed: {done.stderr.strip()[-500:]}")
    return folder


def _missing(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

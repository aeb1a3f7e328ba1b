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
    # The registry is asked for the package by its name: once more where it did not answer.
    for _ in range(2):
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-timeout=20000"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        if done.returncode == 0:
            break
    else:
        _missing(f"npm ci failed: {done.stderr.strip()[-500:]}")
    return folder


def _missing(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

"""The benchmarks, which no other test runs, import only names that the code still has."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_can_be_imported(name):
    paths = [str(ROOT / "benchmarks"), str(ROOT / "tests"), str(ROOT)]
    program = f"import sys; sys.path[:0] = {paths}; import {name}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr

"""The code in docs/add-a-sink.md works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from worker.sinks import KINDS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/add-a-sink.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/]+\.py)`[^\n]*:\n\n```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def test_the_sink_and_its_tests_are_what_they_say(tmp_path):
    assert list(FILES) == ["redis_list.py", "tests/worker/sinks/test_redis_list.py"]
    for name, code in FILES.items():
        (tmp_path / Path(name).name).write_text(code, encoding="utf-8")
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    settings = ["-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *settings, "test_redis_list.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout


def test_the_sink_is_as_short_as_is_said():
    code = [line for line in FILES["redis_list.py"].splitlines() if line.strip()]
    assert len(code) < 40


def test_every_place_that_a_new_sink_needs_is_there():
    table = TEXT.split("## 4.")[1]
    for name in re.findall(r"^\| `([\w./]+)` \|", table, re.MULTILINE):
        assert (ROOT / name).is_file(), name
    assert "redis_list" not in KINDS

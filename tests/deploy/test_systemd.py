"""The units for systemd are such as systemd takes, and leave a process no more than it needs."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from manifests import ROOT

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
# Of 10; systemd calls what is below 2 "OK", and nothing that talks to the network gets much lower.
MOST_EXPOSED = 2.0


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=30)


def test_there_is_a_unit_for_each_line_of_the_procfile():
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    assert {unit.stem for unit in UNITS} == {f"legwork-{line.partition(':')[0]}" for line in lines}
    for line in lines:
        name, _, command = line.partition(": ")
        unit = (ROOT / f"deploy/systemd/legwork-{name}.service").read_text(encoding="utf-8")
        assert f"\nExecStart=/opt/legwork/bin/{command}\n" in unit


def test_what_is_installed_on_a_host_is_where_the_units_look_for_it():
    (commands,) = re.findall(r"^### On a host$.*?^```sh\n(.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL)
    for unit in UNITS:
        told = dict(re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE))
        folder = told["ExecStart"].partition("/bin/")[0]
        assert f"python3 -m venv {folder}\n" in commands
        assert f" {told['EnvironmentFile']} " in commands
        assert f"useradd --system --home-dir {told['WorkingDirectory']} {told['User']}\n" in commands
        assert f" {unit.stem}" in commands
        properties = ("User", "EnvironmentFile", "WorkingDirectory")
        typed = " ".join(f"-p {name}={told[name]}" for name in properties)
        assert f"{typed} {folder}/bin/legwork status`" in OPERATIONS
    for name in re.findall(r"(?:--requirement|-m 600) (\S+)", commands):
        assert (ROOT / name).is_file()


def test_files_of_records_can_be_read_by_the_group_as_a_file_sink_makes_them():
    worker = (ROOT / "deploy/systemd/legwork-worker.service").read_text(encoding="utf-8")
    (umask,) = re.findall(r"^UMask=(\d+)$", worker, re.MULTILINE)
    assert 0o640 & ~int(umask, 8) == 0o640


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_the_unit(unit, tmp_path):
    copy = tmp_path / unit.name
    # A unit whose program is not there is refused, and here Legwork is nowhere but in the checkout.
    copy.write_text(unit.read_text(encoding="utf-8").replace("/opt/legwork/bin/legwork", "/bin/true"))
    done = analyze("verify", str(copy))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_little_is_left_to_whoever_breaks_in(unit):
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", str(unit))
    assert done.returncode == 0, done.stdout

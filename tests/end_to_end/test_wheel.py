"""What `pip install .` puts on a plain machine: a wheel, in an environment of its own, away from the checkout.

The libraries are those of the environment that the tests run in, so that nothing is fetched. No file of the checkout is used.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import requests
from end_to_end.stage import Program, free_port, wait_until

ROOT = Path(__file__).parents[2]
ROOMS = {"sandbox", "schemas", "webhook", "worker"}
FIRST_RECORD_SECONDS = 60


def run(*command, folder, environ=None):
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installer():
    """The command of pip, or of uv, whichever is here. The environment of the tests has neither."""
    if uv := shutil.which("uv", path=f"{os.environ['PATH']}{os.pathsep}{ROOT / '.tools/bin'}"):
        return [uv, "pip", "--no-config", "install", "--offline", "--python"]
    return [Path(sys.base_prefix) / "bin/python3", "-m", "pip", "install", "--no-index", "--python"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), folder=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the programs of an environment that the wheel was installed into."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    pip = installer()
    run(*pip[:-1], "--no-deps", pip[-1], str(python), str(wheel), folder=folder)
    libraries = next(Path(entry) for entry in sys.path if (Path(entry) / "flask/__init__.py").is_file())
    packages = next((folder / "lib").glob("python*/site-packages"))
    # A folder that is named so is looked through, but the editable Legwork that it leads on to is not.
    (packages / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    return folder / "bin"


@pytest.fixture
def environ(installed, tmp_path):
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    return {"PATH": f"{installed}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": str(tmp_path), **ports}


def test_the_wheel_holds_the_packages_and_all_that_they_load_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == ROOMS
    for needed in (
        *(f"{room}/py.typed" for room in ROOMS),
        "webhook/static/legwork.css",
        "webhook/static/vendor/htmx.min.js",
        "webhook/templates/base.html",
        "worker/ledger/lua/prelude.lua",
    ):
        assert needed in names
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *sorted(ROOMS), folder=ROOT).split()
    assert sorted(name for name in names if ".dist-info/" not in name) == sorted(tracked)


def test_its_metadata_names_no_place_that_there_is_not_and_every_extra(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_string(archive.read(name).decode())
    assert set(metadata.get_all("Provides-Extra")) == {"sql", "kafka", "parquet", "otel"}
    assert metadata.get_all("Project-URL") is None
    assert any(each.startswith("itsdangerous") for each in metadata.get_all("Requires-Dist"))


def test_nothing_of_the_checkout_is_imported(installed, environ, tmp_path):
    program = (
        "import json, sys, pkgutil, importlib; rooms = 'schemas worker webhook sandbox'.split()\n"
        "for room in rooms:\n"
        "    for found in pkgutil.walk_packages(importlib.import_module(room).__path__, f'{room}.'):\n"
        "        if not found.name.endswith('__main__'): importlib.import_module(found.name)\n"
        "own = {name: module.__file__ for name, module in sys.modules.items() if name.partition('.')[0] in rooms}\n"
        "print(json.dumps(own))"
    )
    loaded = json.loads(run(installed / "python", "-c", program, folder=tmp_path, environ=environ))
    assert len(loaded) > 150
    assert not [name for name, file in loaded.items() if not Path(file).is_relative_to(installed.parent)]


def test_it_says_its_version_and_what_is_wrong_with_the_settings(installed, environ, tmp_path):
    assert re.fullmatch(r"legwork \d+\.\d+\.\d+\n", run("legwork", "--version", folder=tmp_path, environ=environ))
    done = subprocess.run(
        [installed / "legwork", "check"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "EXOTEL_ACCOUNT_SID" in done.stdout + done.stderr


def test_all_of_it_runs_and_every_page_and_file_is_there(installed, environ, tmp_path):
    up = Program([str(installed / "legwork"), "up"], environ, tmp_path, "up")
    try:
        records = tmp_path / "records.jsonl"
        wait_until(lambda: records.exists() and records.read_text().endswith("\n"), "a record", FIRST_RECORD_SECONDS)
        first = json.loads(records.read_text().splitlines()[0])
        assert first["type"].startswith("legwork.call.")
        checked = run("legwork", "check", folder=tmp_path, environ=environ)
        assert "redis" in checked
        look_around(f"http://127.0.0.1:{environ['PORT']}", first)
    finally:
        up.signal()
        try:
            up.ended(30)
        finally:
            up.close()


def look_around(url, first):
    """Ask for each kind of page, and for every file that the pages load."""
    with requests.Session() as browser:

        def get(path):
            answer = browser.get(url + path, timeout=20)
            assert answer.status_code == 200, path
            assert answer.content, path
            return answer

        pages = ["/", "/calls", f"/calls/{first['subject']}", "/sinks", "/dead", "/accounts", "/docs"]
        texts = [get(path).text for path in pages]
        files = {found for text in texts for found in re.findall(r'(?:href|src)="(/static/[^"]+)"', text)}
        assert {path.partition("?")[0].rpartition(".")[2] for path in files} >= {"css", "js", "svg"}
        for path in files:
            get(path.replace("&amp;", "&"))
        assert get("/openapi.json").json()["openapi"] == "3.1.0"
        schema = get("/schemas/call-record/v1.json").json()
        assert schema["$id"] == first["dataschema"]
        assert get("/livez").json() == {"status": "alive"}
        assert "legwork_calls_received_total" in get("/metrics").text

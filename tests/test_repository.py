"""The files around the code say what they must, as far as that can be seen without a network or an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ["requirements.lock", "requirements-runtime.lock", "requirements-uv.lock"]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def run(*command, **environ):
    # a make around the tests hands its own flags down by the environment
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command, cwd=ROOT, env=inherited | environ, capture_output=True, text=True, check=False, timeout=60
    )


def locked(name):
    """What a lock names: package to version."""
    found = re.findall(r"^([a-z0-9-]+)==(\S+)", text_of(name), re.MULTILINE)
    assert found
    return dict(found)


def required(group):
    for each in PROJECT["dependency-groups"][group]:
        if isinstance(each, dict):
            yield from required(each["include-group"])
        else:
            yield each


def test_make_alone_lists_its_targets():
    done = run("make")
    assert done.returncode == 0
    listed = re.findall(r"^  make (\w+) +\S", done.stdout, re.MULTILINE)
    assert {"help", "install", "run", "test", "check", "format", "docs", "bench", "lock", "clean"} <= set(listed)


def test_every_target_is_told_or_has_a_recipe_of_its_own_kind():
    phony = re.search(r"^\.PHONY: (.*)$", text_of("Makefile"), re.MULTILINE).group(1).split()
    told = re.findall(r"^(\w+):.*## ", text_of("Makefile"), re.MULTILINE)
    assert set(phony) == {*told, "runtime", "development"}


def test_the_procfile_names_the_two_processes():
    assert text_of("Procfile") == "web: legwork web\nworker: legwork worker\n"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry_and_holds_hashes_for_every_package(name):
    for line in text_of(name).splitlines():
        assert re.fullmatch(r"([a-z0-9-]+==\S+( ; .+)?|    --hash=sha256:[0-9a-f]{64})( \\)?|    # .*", line), line
    assert "://" not in text_of(name)
    for package in re.split(r"^(?=[a-z0-9-]+==)", text_of(name), flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in package, package


def test_the_lock_holds_all_that_the_project_asks_for_in_versions_that_do():
    asked = [
        *PROJECT["project"]["dependencies"],
        *(each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra),
        *required("dev"),
    ]
    versions = locked("requirements.lock")
    for requirement in map(Requirement, asked):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_what_runs_is_a_part_of_what_is_tested_in_the_same_versions():
    runtime = locked("requirements-runtime.lock")
    assert runtime.items() <= locked("requirements.lock").items()
    for requirement in map(Requirement, [*PROJECT["project"]["dependencies"], *required("build")]):
        assert canonicalize_name(requirement.name) in runtime
    assert not {"pytest", "ruff", "mypy"} & runtime.keys()


def test_the_build_backend_comes_out_of_the_lock():
    for requirement in map(Requirement, PROJECT["build-system"]["requires"]):
        assert locked("requirements-runtime.lock")[requirement.name] in requirement.specifier


def test_the_compose_file_fits_the_compose_specification():
    done = run(
        sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_starts_a_redis_that_keeps_everything_and_both_processes():
    services = yaml.safe_load(text_of("docker-compose.yml"))["services"]
    flags = services["valkey"]["command"].split()
    assert " ".join(flags[1:]).startswith("--appendonly yes --appendfsync always --maxmemory-policy noeviction ")
    assert services["valkey"]["volumes"] == ["ledger:/data"]
    processes = dict(line.split(": ") for line in text_of("Procfile").splitlines())
    for name, command in processes.items():
        assert services[name]["command"].startswith(command)
        assert services[name]["restart"] == "always"
        assert services[name]["depends_on"] == {"valkey": {"condition": "service_healthy"}}
        assert services[name]["environment"]["REDIS_URL"].startswith("redis://valkey:")
    assert services["sandbox"]["profiles"] == ["demo"]


def test_the_image_holds_every_room_and_is_not_run_by_root():
    dockerfile = text_of("Dockerfile")
    let_in = re.findall(r"^!(\S+)$", text_of(".dockerignore"), re.MULTILINE)
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)).split()
    assert sorted(copied) == sorted(let_in)
    assert set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied)
    assert "requirements-runtime.lock > image.lock" in dockerfile
    assert "--require-hashes --requirement image.lock" in dockerfile
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001"]


@pytest.mark.parametrize("name", [".ci/run", "tools/bootstrap.sh", "tools/npm.sh", "docs/generate.py"])
def test_a_script_can_be_run(name):
    assert os.access(ROOT / name, os.X_OK)
    assert text_of(name).startswith("#!")


def test_the_bootstrap_says_what_it_misses():
    done = run("tools/bootstrap.sh", "uv", PYTHON="/nonexistent/python")
    assert done.returncode == 1
    assert done.stderr == (
        "bootstrap: found no Python >= 3.11; install one, or name it: make run PYTHON=/path/to/python3\n"
    )


def test_the_lock_of_the_npm_packages_names_no_host_and_holds_a_hash_for_every_package():
    text = text_of("tests/clients/package-lock.json")
    packages = json.loads(text)["packages"]
    assert all(package["integrity"].startswith("sha512-") for name, package in packages.items() if name)
    assert packages[""]["dependencies"] == json.loads(text_of("tests/clients/package.json"))["dependencies"]
    assert "://" not in text


def test_pre_commit_needs_no_network():
    repositories = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert all(hook["language"] == "system" for hook in repositories[0]["hooks"])


def test_the_licence_is_the_one_that_the_project_declares():
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text_of("LICENSE")


def test_the_changelog_has_a_place_for_what_is_new():
    assert "\n## [Unreleased]\n" in text_of("CHANGELOG.md")

"""The generated documents are what their declarations say, and whole."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from settings_kit import ACCOUNT, NOWHERE, problems_of

from schemas.settings import load_settings
from schemas.settings.accounts import ACCOUNT_KEYS
from schemas.settings.model import VARIABLES
from schemas.settings.sinks import SINK_KEYS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_document_is_stale():
    command = [sys.executable, ROOT / "docs/generate.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_document_that_is_missing_or_changed_is_stale(generate, tmp_path):
    for name, make in generate.DOCUMENTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(make(), encoding="utf-8")
    assert generate.stale(tmp_path) == []
    (tmp_path / ".env.example").unlink()
    (tmp_path / "docs/configuration.md").write_text("changed", encoding="utf-8")
    assert generate.stale(tmp_path) == [".env.example", "docs/configuration.md"]


def test_contributors_are_told_which_documents_are_made(generate):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {name for name in generate.DOCUMENTS if f"`{name}`" not in text} == set()


def test_every_setting_and_every_key_has_its_row():
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    names = [variable.name for variable in VARIABLES.values()]
    for name in (*names, *ACCOUNT_KEYS, *SINK_KEYS):
        assert text.count(f"\n| `{name}` | ") >= 1, name
    assert "{{" not in text


def test_every_setting_of_the_contract_is_declared():
    contract = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
    table = contract.split("## 2. Settings")[1].split("## 3.")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = [name.strip("`") for row in rows for name in row.strip().split(", ")]
    assert sorted(told) == sorted(variable.name for variable in VARIABLES.values())


def test_the_example_of_a_dotenv_file_sets_nothing_until_it_is_filled_in(tmp_path):
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")
    assert [problem.split(":")[0] for problem in problems_of({}, tmp_path)] == list(ACCOUNT)


def test_the_example_of_a_dotenv_file_holds_every_default(tmp_path):
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for line in text.splitlines():
        name, equals, _ = line.removeprefix("#").partition("=")
        if equals and name.isupper():
            text = text.replace(f"\n{line}\n", f"\n{line.removeprefix('#')}\n")
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    filled, bare = load_settings(ACCOUNT, directory=tmp_path), load_settings(ACCOUNT, directory=NOWHERE)
    for attribute, variable in VARIABLES.items():
        assert getattr(filled, attribute) == getattr(bare, attribute)
        if variable.default:
            assert filled.sources[variable.name] == ".env"


def test_the_records_schema_is_a_json_schema():
    schema = json.loads((ROOT / "docs/call-record.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

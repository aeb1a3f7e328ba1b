"""What other people's linters say of /openapi.json: nothing."""

from __future__ import annotations

import json

import pytest
from factories import make_settings

from webhook import create_app


@pytest.fixture(params=[{}, {"console_password": "a long enough one"}], ids=["open here", "with a password"])
def document(request, npm_folder):
    described = create_app(make_settings(**request.param)).test_client().get("/openapi.json").json
    path = npm_folder / "openapi.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    return path


def test_redocly_finds_nothing_to_say(run_npm, npm_folder, document):
    said = run_npm("redocly", "lint", "--format", "json", document, folder=npm_folder)
    found = json.loads(said[said.index("{\n") :].rpartition("}")[0] + "}")
    assert found["problems"] == []


def test_spectral_finds_nothing_to_say(run_npm, npm_folder, document):
    (npm_folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n', encoding="utf-8")
    said = run_npm("spectral", "lint", "--fail-severity", "hint", document, folder=npm_folder)
    assert "No results" in said

"""docs/cli.md tells of every command: what it takes, what it says, and when it fails."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli_reference.answers import ANSWERS, json_schema
from cli_reference.sketch import sketch
from webhook.cli import legwork

TEXT = (Path(__file__).parents[3] / "docs/cli.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("`")[0]: part for part in TEXT.split("### `legwork ")[1:]}


def command_of(path):
    command = legwork
    for name in path.split():
        command = command.get_command(click.Context(command), name)
    return command


@pytest.mark.parametrize("path", ANSWERS)
def test_every_command_stands_there_with_its_options_and_the_keys_of_its_answer(path):
    section, answer = SECTIONS[path], ANSWERS[path]
    for parameter in command_of(path).params:
        if isinstance(parameter, click.Option) and parameter.name != "as_json":
            assert f"`{parameter.opts[0]}" in section
    for shape in answer.shapes:
        for key in shape.fields:
            assert f"{key}:" in section or f"{key}?:" in section
    assert ("Exits with 1: " in section) == bool(answer.fails)
    assert "{{" not in section


def test_a_key_that_may_be_missing_is_marked_and_a_meaning_stands_beside_its_key():
    definitions = {"Size": {"properties": {"w": {"type": "integer"}, "h": {"type": "integer"}}, "required": ["w"]}}
    shape = {
        "properties": {
            "state": {"enum": ["on", "off"]},
            "sizes": {"type": "array", "items": {"$ref": "#/$defs/Size"}, "description": "All of them."},
            "why": {"type": ["string", "null"]},
            "by_name": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "required": ["state", "sizes"],
    }
    assert sketch(shape, definitions).splitlines() == [
        "{",
        '  state: "on" | "off"',
        "  sizes: { w: integer, h?: integer }[]  // All of them.",
        "  why?: string | null",
        "  by_name?: { [name]: number }",
        "}",
    ]


def test_the_schema_beside_it_leads_from_every_command_to_a_shape():
    definitions = json_schema()["$defs"]
    for path, answer in ANSWERS.items():
        assert (path.replace(" ", "-") in definitions) == bool(answer.shapes)

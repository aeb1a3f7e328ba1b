from __future__ import annotations

import json

import orjson
from payloads.records import answer_of, build
from settings_kit import ACCOUNT, NOWHERE

from schemas.settings import load_settings
from webhook.up.records import file_of, follow, in_a_line


def seen(path, *rounds):
    """What `follow` yields when, before each look, one of `rounds` happens."""
    steps = iter(rounds)

    def wait(_seconds):
        step = next(steps, None)
        if step is None:
            return True
        step()
        return False

    return [record["n"] for record in follow(path, wait)]


def appending(path, text):
    def step():
        with path.open("a") as file:
            file.write(text)

    return step


def line(number):
    return json.dumps({"n": number}) + "\n"


def test_what_is_appended_is_seen_and_what_was_there_is_not(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text(line(0))
    assert seen(path, appending(path, line(1) + line(2)), lambda: None, appending(path, line(3))) == [1, 2, 3]


def test_a_file_that_comes_later_or_is_begun_anew_is_read_from_its_start(tmp_path):
    path = tmp_path / "records.jsonl"
    rounds = [lambda: None, appending(path, line(10) + line(2)), path.unlink, appending(path, line(3))]
    assert seen(path, *rounds) == [10, 2, 3]


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "records.jsonl"
    assert seen(path, appending(path, '{"n": '), appending(path, "1}\n")) == [1]


def test_the_file_is_that_of_a_sink_which_gets_everything():
    settings = load_settings(ACCOUNT | {"SINKS": "stdout: file:calls.jsonl"}, directory=NOWHERE)
    assert str(file_of(settings.sinks)) == "calls.jsonl"
    assert file_of(load_settings(ACCOUNT | {"SINKS": "stdout:"}, directory=NOWHERE).sinks) is None


def test_a_line_tells_the_outcome_and_no_full_number():
    record = orjson.loads(orjson.dumps(build(answer_of("S1"))))
    text = in_a_line(record)
    assert text.split()[0] == "completed"
    assert record["data"]["call_sid"] in text
    assert not any(leg["number"] in text for leg in record["data"]["legs"])


def test_a_line_tells_why_there_are_no_legs():
    assert "404: gone" in in_a_line(build(None, settled=False, reason="404: gone"))

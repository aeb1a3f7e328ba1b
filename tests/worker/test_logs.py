"""Logs: one JSON object a line, in which no secret and no full phone number stands, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from factories import make_settings
from hypothesis import given
from hypothesis import strategies as st

from worker.logs import set_up_logs
from worker.numbers.masking import Mask, mask_number
from worker.secret_masking import secrets_of

NUMBERS = ["09000000001", "+919000000001", "919000000001", "9000000001", "00919000000001", "04000000001", "1234567"]

SIDS = ["3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "c4d8e2f6a0b1c3d5e7f9a2b4c6d81a9f", "00000000000000000000000000000000"]


@pytest.fixture
def lines():
    """What logging writes, set up as a process does; all as it was again afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    written = io.StringIO()

    def set_up(**variables):
        set_up_logs(make_settings(**{"log_level": "DEBUG", "log_format": "json", **variables}), stream=written)
        return lambda: [json.loads(line) for line in written.getvalue().splitlines()]

    set_up.text = written.getvalue
    yield set_up
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


# Phone numbers


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "call from {} to nobody",
        "call from {}.",
        "from {}, twice",
        "tel:{}",
        "sip:{}@pbx.example:5060",
        "From={}&To=",
        '{{"From": "{}"}}',
        "'{}'",
        "({})",
        "/calls/{}/legs",
        "https://recordings.example/{}.mp3",
        "https://recordings.example/{}_1.mp3",
        "number:{}:",
        "a-{}-b",
        "{}\n",
        "1.5 s for {}",
    ],
)
def test_a_phone_number_keeps_its_last_four_digits_wherever_it_stands(number, text):
    masked = Mask().text(text.format(number))
    assert number[-4:] in masked
    assert number[-5:] not in masked
    assert len(masked) < len(text.format(number))


@pytest.mark.parametrize(
    "text",
    [
        *("+91 90000 00001", "+91-90000-00001", "+91 (900) 000-0001", "From=%2B919000000001&To=%2b919000000001"),
        *(
            "+91\u00a090000\u00a000001",
            "+91\u201190000\u201100001",
            "From=%2B91%2090000%2000001",
            "From=%2B91+90000+00001",
        ),
        *("90000 00001", "0 90000 00001", "090000-00001", "(900) 000-0001", "900-000-0001", "0091 90000 00001"),
        "no agent has 90000 00001, 1 of 3",
    ],
)
def test_a_number_written_with_gaps_or_escapes_is_one_too(text):
    """Without a plus in front, and in a URL's way of writing blanks, it stood in full."""
    masked = Mask().text(text)
    assert "0001" in masked
    assert "0000-0001" not in masked
    assert not [part for part in ("90000", "(900)", "900-", "000000", "%20") if part in masked]


@pytest.mark.parametrize("before", ["To%3A", "To%3D", "x%2F", "To%253A", "\\n", "\\t", "\\xa0", "\\u00a0", "\\u002b"])
def test_a_letter_that_stands_for_another_character_does_not_make_an_id_of_a_number(before):
    """`To%3A9000000001` and Python's `'\\n9000000001'` were taken for ids, which begin with a letter too."""
    assert Mask().text(f"{before}9000000001'") == f"{before}…0001'"


@pytest.mark.parametrize(
    "text",
    [
        *SIDS,
        f"call {SIDS[0]} is settled",
        "evt_bf771e437390c83d008e20a272ca66df716ea474",
        "2026-11-23T17:02:34.719849Z",
        "2026-11-23 17:02:34,719849",
        "at 2026-11-23, and 2026-11-24",
        "Task legwork.fetch_call[12345678-1234-1234-1234-123456789012] raised",
        "took 0.1234567 s of 1790000000.1234567",
        "127.0.0.1:52344",
        "200 requests in 60 s, 6 left",
        "15 60 300 900 3600 10800 21600",
        "line 16 2026-11-23 17:02:34",
        "200 2026-11-23",
        "took 12 of 345 ms",
        "attempt 3 of 10 in 3600 s",
        "10.000001 and 0.0000001",
        "Redis 7.2.4, Valkey 9.1.2",
        "12345678901234567890",
        "acme1m",
        "line 123456",
    ],
)
def test_what_is_no_phone_number_stays_as_it_is(text):
    assert Mask().text(text) == text


@given(st.uuids())
def test_ids_stay_as_they_are(some_id):
    assert Mask().text(f"[{some_id}]") == f"[{some_id}]"


def test_a_short_number_is_shown_as_it_is():
    assert (mask_number("0001"), mask_number("09000000001")) == ("0001", "…0001")


@dataclass
class Party:
    number: str


@pytest.mark.parametrize(
    "value",
    [
        "09000000001",
        919000000001,
        ["09000000001"],
        ("x", {"To": "09000000001"}),
        {"09000000001": 1},
        {"a": {"b": [{"c": "09000000001"}]}},
        b"09000000001",
        {"09000000001"},
        Party("09000000001"),
        ValueError("09000000001 is no agent"),
        Path("/recordings/09000000001.mp3"),
    ],
    ids=repr,
)
def test_a_number_is_masked_in_a_field_of_any_shape(lines, value):
    read = lines()
    structlog.get_logger("test").info("call.odd", value=value)
    (line,) = read()
    assert "0001" in str(line["value"])
    assert "000000" not in lines.text()


def test_fields_of_ours_are_not_mangled(lines):
    read = lines()
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    fields = {
        "count": 12345678,
        "call_sid": SIDS[2],
        "account": "acme1m",
        "seconds": 1790000000.25,
        "ok": True,
        "none": None,
    }
    structlog.get_logger("test").info("odd.fields", task=uuid.UUID(int=5), at=moment, **fields)
    (line,) = read()
    assert {name: line[name] for name in fields} == fields
    assert (line["task"], line["at"]) == (str(uuid.UUID(int=5)), "2026-11-23 00:00:00+00:00")


def test_numbers_are_masked_in_what_libraries_say(lines):
    read = lines()
    logging.getLogger("some.library").warning("no route to %s", "+919000000001")
    logging.getLogger("some.library").error("%r", {"To": "09000000001"})
    assert [line["event"] for line in read()] == ["no route to …0001", "{'To': '…0001'}"]


def crash(message):
    raise ValueError(message)


def test_numbers_and_secrets_are_masked_in_tracebacks_of_ours_and_of_libraries(lines):
    read = lines()
    try:
        crash(" for ".join(["the-api" + "-token", "0900000" + "0001"]))
    except ValueError as error:
        structlog.get_logger("test").exception("step.crashed", error=error)
        logging.getLogger("some.library").exception("it crashed over %s", "0900000" + "0001")
    for line in read():
        assert "Traceback" in line["exception"]
        assert "ValueError: *** for …0001" in line["exception"]
    assert len(read()) == 2
    assert not [shown for shown in ("the-api-token", "09000000001") if shown in lines.text()]


# Secrets


SECRETS = {
    "exotel_api_key": "key-0001",
    "exotel_api_token": "token-of-exotel",
    "callback_token": "first-callback-token second-callback-token",
    "sink_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "console_password": "open sesame",
    "redis_url": "redis://user:pass%2Fword@redis.example:6379/0",
    "broker_url": "redis://:brokerpass@broker.example/1",
    "sinks": "https://crm.example/hooks?auth_token=tok%2Fen&page=1 https://bearer-thing@hooks.example/x stdout:",
}
SHOWN_NEVER = [
    *("key-0001", "token-of-exotel", "first-callback-token", "second-callback-token", "open sesame", "bearer-thing"),
    *("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    *("pass%2Fword", "pass/word", "brokerpass", "tok%2Fen", "tok/en"),
]


@pytest.mark.parametrize("secret", SHOWN_NEVER)
def test_no_secret_of_the_settings_gets_through(lines, secret):
    read = lines(**SECRETS)
    structlog.get_logger("test").info(f"about {secret}", field=secret, deep=[{"x": f"<{secret}>", secret: 1}])
    logging.getLogger("some.library").warning("GET /callbacks/%s/status", secret)
    assert len(read()) == 2
    assert secret not in lines.text()


def test_a_secret_that_holds_another_is_masked_as_a_whole():
    assert Mask({"abcd", "abcdefgh"}).text("abcdefgh abcd") == "*** ***"


def test_what_is_no_secret_is_not_one():
    secrets = secrets_of(make_settings(**SECRETS))
    assert not {"1", "user", "", "stdout:", "crm.example"} & secrets


# The lines themselves


def test_a_line_is_one_json_object_whatever_is_in_it(lines):
    read = lines()
    structlog.get_logger("test").info("a\nb", value="line one\nline two", emoji="🙂")
    (line,) = read()
    assert (line["event"], line["value"], line["level"], line["logger"]) == (
        "a\nb",
        "line one\nline two",
        "info",
        "test",
    )
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


def test_the_level_counts_for_everybody_and_talkative_libraries_speak_from_warnings_on(lines):
    read = lines(log_level="INFO")
    structlog.get_logger("test").debug("unheard")
    logging.getLogger("urllib3.connectionpool").info("GET /secret/path")
    logging.getLogger("celery.worker").debug("unheard")
    structlog.get_logger("test").info("heard")
    logging.getLogger("celery.worker").warning("heard")
    assert [line["event"] for line in read()] == ["heard", "heard"]


def test_what_is_bound_to_a_call_stands_in_each_of_its_lines(lines):
    read = lines()
    with structlog.contextvars.bound_contextvars(account="acme1m", call_sid=SIDS[0]):
        structlog.get_logger("test").info("call.settled")
    (line,) = read()
    assert (line["account"], line["call_sid"]) == ("acme1m", SIDS[0])


def test_people_get_text(lines):
    lines(log_format="console")
    structlog.get_logger("test").info("call.settled", number="09000000001")
    assert "call.settled" in lines.text()
    assert "…0001" in lines.text()
    assert "000000" not in lines.text()

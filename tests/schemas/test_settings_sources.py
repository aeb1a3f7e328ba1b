"""Where settings come from, and which source holds."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from settings_kit import ACCOUNT, problems_of

from schemas.settings import load_settings


def test_a_dotenv_file_is_read_and_the_environment_goes_before_it(tmp_path):
    (tmp_path / ".env").write_text(
        "# a comment\nexport PORT=9000\nEXOTEL_QUOTA='100' # ours\nRETRY_SCHEDULE=1 2 3\n", encoding="utf-8"
    )
    settings = load_settings(ACCOUNT | {"PORT": "9001"}, directory=tmp_path)
    assert (settings.port, settings.sources["PORT"]) == (9001, "environment")
    assert (settings.exotel_quota, settings.sources["EXOTEL_QUOTA"]) == (100, ".env")
    assert settings.retry_schedule == (1, 2, 3)


def test_what_legwork_up_wrote_goes_before_the_defaults_alone(tmp_path):
    (tmp_path / ".legwork").mkdir()
    (tmp_path / ".legwork/environment").write_text("PORT=7000\nEXOTEL_QUOTA=70\n", encoding="utf-8")
    (tmp_path / ".env").write_text("PORT=9000\n", encoding="utf-8")
    settings = load_settings(ACCOUNT, directory=tmp_path)
    assert (settings.port, settings.sources["PORT"]) == (9000, ".env")
    assert (settings.exotel_quota, settings.sources["EXOTEL_QUOTA"]) == (70, ".legwork/environment")


def test_a_value_is_taken_as_it_stands_in_a_dotenv_file(tmp_path):
    (tmp_path / ".env").write_text("CONSOLE_PASSWORD=a${PATH}$b\n", encoding="utf-8")
    assert load_settings(ACCOUNT, directory=tmp_path).console_password == "a${PATH}$b"


def test_a_byte_order_mark_is_passed_over_wherever_a_text_is_read(tmp_path):
    """Windows' editors write one: `.env` might have it, legwork.toml and the file of a secret were refused."""
    sink = '[[sinks]]\nname = "crm"\nurl = "https://crm.example.com/"\n'
    for name, text in {".env": "PORT=9000\nEXOTEL_QUOTA=100\n", "legwork.toml": sink, "key": "from-a-file\r\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    environ = {name: value for name, value in ACCOUNT.items() if name != "EXOTEL_API_KEY"}
    environ |= {"EXOTEL_API_KEY_FILE": "key", "SETTLE_SECONDS": "\ufeff7"}
    settings = load_settings(environ, directory=tmp_path)
    assert (settings.port, settings.exotel_quota, settings.settle_seconds) == (9000, 100, 7)
    assert [sink.name for sink in settings.sinks] == ["crm"]
    assert settings.accounts[0].api_key == "from-a-file"


@pytest.mark.parametrize("where", ["environment", ".env"])
def test_an_empty_value_is_none(tmp_path, where):
    environ = dict(ACCOUNT)
    (tmp_path / ".env").write_text("PORT=\nSINK_SECRET\n" if where == ".env" else "", encoding="utf-8")
    if where == "environment":
        environ |= {"PORT": "", "SINK_SECRET": ""}
    settings = load_settings(environ, directory=tmp_path)
    assert (settings.port, settings.sources["PORT"]) == (8000, "default")
    assert settings.sink_secret is None


def test_an_empty_variable_lets_the_dotenv_file_speak(tmp_path):
    (tmp_path / ".env").write_text("PORT=9000\n", encoding="utf-8")
    assert load_settings(ACCOUNT | {"PORT": ""}, directory=tmp_path).port == 9000


def test_a_line_of_a_dotenv_file_that_cannot_be_read_is_told_without_what_stands_there(tmp_path):
    (tmp_path / ".env").write_text("PORT=9000\nCALLBACK_TOKEN hunter2\n", encoding="utf-8")
    assert problems_of(ACCOUNT, tmp_path) == [".env: line 2 cannot be read; write NAME=value"]


def test_a_dotenv_file_that_is_no_text_is_a_problem(tmp_path):
    (tmp_path / ".env").write_bytes(b"PORT=\xff")
    assert problems_of(ACCOUNT, tmp_path) == [".env: is not UTF-8; save it as UTF-8"]


def test_a_dotenv_folder_is_a_problem(tmp_path):
    (tmp_path / ".env").mkdir()
    (problem,) = problems_of(ACCOUNT, tmp_path)
    assert problem.startswith(".env: cannot be read (Is a directory); ")


@contextmanager
def as_nobody():
    """As a user who may read only what everybody may; who is none of root's is one already."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_a_folder_of_somebody_elses_is_a_problem():
    """`sudo make run` once, and every command of anybody else's ended with a traceback."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        assert problems_of(ACCOUNT, directory) == [], "and whatever has to be imported is"
        (directory / ".legwork").mkdir(mode=0o000)
        with as_nobody():
            (problem,) = problems_of(ACCOUNT, directory)
        (directory / ".legwork").chmod(0o700)
    assert problem.startswith(".legwork/environment: cannot be read (Permission denied); ")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_value_may_be_in_a_file(tmp_path, ending):
    (tmp_path / "token").write_bytes(b"token-out-of-a-file" + ending.encode())
    environ = ACCOUNT | {"CALLBACK_TOKEN": "", "CALLBACK_TOKEN_FILE": str(tmp_path / "token")}
    settings = load_settings(environ, directory=tmp_path)
    assert settings.callback_token == ("token-out-of-a-file",)
    assert settings.sources["CALLBACK_TOKEN"] == "CALLBACK_TOKEN_FILE"


def test_any_setting_may_be_in_a_file_and_a_dotenv_file_may_name_it(tmp_path):
    (tmp_path / "port").write_text("9000\n", encoding="utf-8")
    (tmp_path / ".env").write_text("PORT_FILE=port\n", encoding="utf-8")
    settings = load_settings(ACCOUNT, directory=tmp_path)
    assert (settings.port, settings.sources["PORT"]) == (9000, "PORT_FILE")


def test_spaces_at_the_ends_of_a_password_file_belong_to_it(tmp_path):
    (tmp_path / "password").write_text(" hunter2 \n", encoding="utf-8")
    settings = load_settings(ACCOUNT | {"CONSOLE_PASSWORD_FILE": "password"}, directory=tmp_path)
    assert settings.console_password == " hunter2 "


def test_a_setting_and_its_file_are_not_both_set(tmp_path):
    (tmp_path / "port").write_text("9000\n", encoding="utf-8")
    problems = problems_of(ACCOUNT | {"PORT": "9000", "PORT_FILE": "port"}, tmp_path)
    assert problems == ["PORT_FILE: is set beside PORT; set one of the two"]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not text"),
        (b"a" * 100_000, "far too long"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_problem_of_the_variable_that_names_it(tmp_path, content, wrong):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    environ = {**ACCOUNT, "CALLBACK_TOKEN": "", "CALLBACK_TOKEN_FILE": "token"}
    (problem,) = problems_of(environ, tmp_path)
    assert problem.startswith("CALLBACK_TOKEN_FILE: names a file that ")
    assert wrong in problem


def test_an_endless_file_is_not_read_to_its_end(tmp_path):
    environ = {**ACCOUNT, "CALLBACK_TOKEN": "", "CALLBACK_TOKEN_FILE": "/dev/zero"}
    (problem,) = problems_of(environ, tmp_path)
    assert "far too long" in problem


def test_a_wrong_value_out_of_a_file_is_not_shown(tmp_path):
    (tmp_path / "port").write_text("hunter2\n", encoding="utf-8")
    assert problems_of(ACCOUNT | {"PORT_FILE": "port"}, tmp_path) == [
        "PORT: the value is not a whole number; give a whole number from 1 to 65535"
    ]

from __future__ import annotations

import socket

import pytest
from cli_kit import ENVIRON, SECRETS, open_ledger, run

ASKING = [["status"], ["calls", "list"], ["calls", "show", "3f9a1c7e5b2d4806"]]


def test_everything_wrong_in_the_settings_is_told_at_once_a_line_each():
    result = run("status", redis_url="http://no", port="0", exotel_api_key="")
    assert result.exit_code == 2
    assert not result.stdout
    assert sorted(line.partition(":")[0] for line in result.stderr.splitlines()) == [
        "EXOTEL_API_KEY",
        "PORT",
        "REDIS_URL",
    ]


def test_a_redis_that_is_missing_is_told_with_the_rest():
    """It was told at the next try, when all else was right."""
    result = run("status", redis_url="", exotel_api_key="", port="0")
    assert result.exit_code == 2
    assert {line.partition(":")[0] for line in result.stderr.splitlines()} == {"EXOTEL_API_KEY", "PORT", "REDIS_URL"}


@pytest.mark.parametrize("command", [*ASKING, ["web"], ["worker"]])
def test_without_a_redis_it_is_said_where_to_get_one(command):
    result = run(*command, redis_url="")
    assert result.exit_code == 2
    assert "REDIS_URL" in result.stderr
    assert "legwork up" in result.stderr


@pytest.mark.parametrize("command", ASKING)
def test_a_redis_out_of_reach_is_one_line_with_what_to_do_next(command):
    result = run(*command, redis_url="redis://:the-redis-password@127.0.0.1:1/0")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "redis://:***@127.0.0.1:1/0" in line
    assert "legwork check" in line


def test_a_ledger_of_another_version_is_not_touched(redis_url, client):
    client.hset("lw:ledger", "schema", 99)
    result = run("status", redis_url=redis_url)
    assert result.exit_code == 2
    assert "schema 99" in result.stderr


def test_settings_of_a_legwork_up_that_ended_are_missing_for_a_reason(tmp_path):
    (tmp_path / ".legwork").mkdir()
    result = run("status", directory=tmp_path, exotel_api_key="")
    assert result.exit_code == 2
    assert "`legwork up` was used in this directory" in result.stderr


def test_a_directory_without_settings_is_named_as_the_reason(tmp_path):
    nothing = dict.fromkeys(name.lower() for name in ENVIRON)
    result = run("status", directory=tmp_path, **nothing)
    assert result.exit_code == 2
    assert "neither a .env nor a legwork.toml in this directory" in result.stderr
    assert "neither" not in run("status", directory=tmp_path, exotel_api_key="").stderr, "the environment has settings"
    (tmp_path / ".env").write_text("PORT=8000\n")
    assert "neither" not in run("status", directory=tmp_path, **nothing).stderr


def test_what_is_wrong_and_not_missing_has_nothing_to_do_with_a_legwork_up(tmp_path):
    """Whoever had once tried `legwork up` in a directory was told of it with every mistake, as if that were the cure."""
    (tmp_path / ".legwork").mkdir()
    result = run("status", directory=tmp_path, port="abc", redis_url="redis://127.0.0.1:1/0")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["PORT"]


def test_a_heartbeat_that_cannot_be_touched_is_told_with_the_option(redis_url):
    result = run("worker", "--heartbeat", "/nonexistent/alive", redis_url=redis_url)
    assert result.exit_code == 2
    assert "Invalid value for --heartbeat: /nonexistent/alive cannot be written" in result.stderr


def test_settings_of_a_running_legwork_up_are_found_from_another_terminal(redis_url, tmp_path):
    (tmp_path / ".legwork").mkdir()
    (tmp_path / ".legwork/environment").write_text(f"REDIS_URL='{redis_url}'\nEXOTEL_ACCOUNT_SID='sandbox1'\n")
    open_ledger(redis_url).register_worker("host:1", 8)
    result = run("status", directory=tmp_path, exotel_account_sid="")
    assert result.exit_code == 0
    assert "sandbox1" in result.stdout


def test_a_port_in_use_is_told_before_anything_listens(redis_url):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("web", redis_url=redis_url, port=str(port))
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"PORT: {port} is in use")


@pytest.mark.parametrize("sink", ["file:/nonexistent/records.jsonl", "kafka://host/topic"])
def test_a_sink_that_cannot_work_stops_the_worker_at_its_start(redis_url, sink):
    result = run("worker", redis_url=redis_url, sinks=sink)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("sink ")


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--nonsense"], ["calls", "show"]])
def test_bad_usage_has_an_exit_code_of_its_own(arguments):
    assert run(*arguments).exit_code == 2


def test_every_command_is_for_people_and_for_programs():
    for command in (["up"], ["check"], ["status"], ["web"], ["worker"], ["calls", "list"], ["calls", "show"]):
        text = run(*command, "--help").stdout
        assert "--json" in text
        assert "Examples:" in text


def test_the_version_is_told_without_settings():
    result = run("--version", **dict.fromkeys(map(str.lower, SECRETS), ""))
    assert result.exit_code == 0
    assert result.stdout.startswith("legwork ")

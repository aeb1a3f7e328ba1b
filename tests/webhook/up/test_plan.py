from __future__ import annotations

import socket

import pytest

from schemas.settings import SettingsError
from webhook.up import plan as plan_module
from webhook.up.banner import banner, command_here, report
from webhook.up.folder import Folder
from webhook.up.plan import make_plan, sandbox_environment
from worker.process.embedded_redis import free_port

REAL = {
    "EXOTEL_ACCOUNT_SID": "acme1m",
    "EXOTEL_API_KEY": "real-key",
    "EXOTEL_API_TOKEN": "real:token",
    "CALLBACK_TOKEN": "callback-token-of-acme newer-callback-token",
}
ACCOUNTS = """
[[accounts]]
sid = "acme1m"
api_key = "k"
api_token = "t"
callback_token = "callback-token-of-acme"
"""


@pytest.fixture
def plan_of(tmp_path):
    """What would be started in a directory, with a free PORT unless the test says otherwise."""
    folder = Folder(tmp_path)

    def plan(**environ):
        with folder.locked():
            return make_plan({"PORT": str(free_port())} | environ, tmp_path, folder)

    return plan


def problems_of(plan_of, **environ):
    with pytest.raises(SettingsError) as error:
        plan_of(**environ)
    return error.value.problems


def test_with_nothing_set_all_of_it_is_brought_along(plan_of):
    plan = plan_of()
    assert plan.redis
    assert plan.settings.redis_url == f"redis://:{plan.redis[1]}@127.0.0.1:{plan.redis[0]}/0"
    (account,) = plan.settings.accounts
    assert (account.sid, account.base_url) == ("sandbox1", plan.sandbox_url)
    assert (plan.settings.settle_seconds, plan.settings.progress_seconds, plan.settings.confirm_seconds) == (2, 5, 20)


def test_the_sandbox_account_stays_the_same_and_no_two_are_alike(plan_of, tmp_path):
    (first,), (second,) = plan_of().settings.accounts, plan_of().settings.accounts
    assert (first.api_token, first.callback_tokens) == (second.api_token, second.callback_tokens)
    (tmp_path / "elsewhere").mkdir()
    other = Folder(tmp_path / "elsewhere")
    with other.locked():
        assert other.sandbox_account()["CALLBACK_TOKEN"] not in first.callback_tokens


def test_what_the_user_has_set_goes_before_what_is_made_up(plan_of, tmp_path):
    (tmp_path / ".env").write_text("CALLBACK_TOKEN=callback-token-of-mine\n")
    (tmp_path / "schedule").write_text("7 8\n")
    plan = plan_of(SETTLE_SECONDS="9", EXOTEL_ACCOUNT_SID="mine", RETRY_SCHEDULE_FILE=str(tmp_path / "schedule"))
    (account,) = plan.settings.accounts
    assert (account.sid, account.callback_tokens) == ("mine", ("callback-token-of-mine",))
    assert (plan.settings.settle_seconds, plan.settings.retry_schedule) == (9, (7, 8))
    assert plan.made.keys().isdisjoint({"SETTLE_SECONDS", "EXOTEL_ACCOUNT_SID", "CALLBACK_TOKEN", "RETRY_SCHEDULE"})


def test_with_an_account_of_the_users_there_is_no_sandbox_and_no_hurry(plan_of):
    plan = plan_of(**REAL)
    assert plan.sandbox is None
    assert plan.settings.settle_seconds == 120
    assert set(plan.made) == {"REDIS_URL", "LEGWORK_SECRET_KEY"}


def test_what_was_encrypted_can_be_read_after_the_next_start(plan_of):
    assert plan_of(**REAL).made["LEGWORK_SECRET_KEY"] == plan_of(**REAL).made["LEGWORK_SECRET_KEY"]
    assert "LEGWORK_SECRET_KEY" not in plan_of(**REAL, REDIS_URL="redis://127.0.0.1:1/0").made


def test_accounts_in_a_document_are_accounts_too(plan_of, tmp_path):
    (tmp_path / "legwork.toml").write_text(ACCOUNTS)
    assert plan_of().sandbox is None
    (tmp_path / "legwork.toml").rename(tmp_path / "other.toml")
    assert plan_of(LEGWORK_CONFIG="other.toml").sandbox is None
    assert plan_of().sandbox


def test_sinks_in_a_document_are_no_accounts(plan_of, tmp_path):
    (tmp_path / "legwork.toml").write_text('[[sinks]]\nname = "out"\nurl = "stdout:"\n')
    plan = plan_of()
    assert plan.sandbox
    assert [sink.name for sink in plan.settings.sinks] == ["out"]


def test_a_redis_of_the_users_is_used(plan_of):
    plan = plan_of(REDIS_URL="redis://redis.example/1")
    assert plan.redis is None
    assert plan.settings.redis_url == "redis://redis.example/1"


def test_half_an_account_is_not_made_whole_with_a_pretend_one(plan_of):
    plan_of()
    names = [problem.partition(":")[0] for problem in problems_of(plan_of, EXOTEL_API_KEY="real-key")]
    assert names == ["EXOTEL_ACCOUNT_SID", "EXOTEL_API_TOKEN", "CALLBACK_TOKEN"]


def test_a_server_without_a_key_for_it_is_a_mistake(plan_of):
    (problem,) = problems_of(plan_of, EXOTEL_BASE_URL="https://exotel.example")
    assert problem.startswith("EXOTEL_BASE_URL: ")


def test_a_document_that_cannot_be_read_is_told_and_nothing_made_up_instead(plan_of, tmp_path):
    (tmp_path / "legwork.toml").write_text("[[accounts\n")
    assert any(problem.startswith("legwork.toml: ") for problem in problems_of(plan_of))


def test_a_port_in_use_is_told_at_once(plan_of):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (problem,) = problems_of(plan_of, PORT=str(port))
    assert problem.startswith(f"PORT: {port} is in use")


def test_the_sandbox_is_told_by_variables_whose_calls_it_answers_and_where_callbacks_go(plan_of):
    plan = plan_of()
    environ = sandbox_environment(plan, {"SANDBOX_SPEED": "3", "SANDBOX_PORT": "1"})
    (account,) = plan.settings.accounts
    assert environ["SANDBOX_API_TOKEN"] == account.api_token
    assert environ["SANDBOX_STATUS_URL"].endswith(f"/callbacks/{account.callback_tokens[0]}/status")
    assert (environ["SANDBOX_SPEED"], environ["SANDBOX_PORT"]) == ("3", str(plan.sandbox))


def test_the_banner_says_where_things_are_and_which_urls_to_paste(plan_of):
    plan = plan_of(**REAL, SINKS="file:calls.jsonl https://user:the-sink-password@crm.example/hook?key=the-key")
    text = banner(plan)
    port = plan.settings.port
    for expected in (
        f"http://localhost:{port}/\n",
        f"http://localhost:{port}/callbacks/callback-token-of-acme/passthru",
        f"http://localhost:{port}/callbacks/callback-token-of-acme/status",
        "file:calls.jsonl",
        "https://crm.example/hook",
        "set PUBLIC_URL",
    ):
        assert expected in text
    for secret in ("user", "the-sink-password", "the-key", "real-key", "real:token", plan.redis[1]):
        assert secret not in text
        assert secret not in str(report(plan))


def test_the_banner_names_the_command_as_it_was_started_where_path_does_not_have_it(plan_of, tmp_path):
    """In a clone, `legwork status` was not found: it is `.venv/bin/legwork`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "legwork").touch(mode=0o755)
    elsewhere, here = str(tmp_path), str(tmp_path / "bin")
    assert command_here(".venv/bin/legwork", elsewhere) == ".venv/bin/legwork"
    assert command_here("/a folder/legwork", elsewhere) == "'/a folder/legwork'"
    assert command_here(".venv/bin/legwork", here) == "legwork"
    assert command_here("/usr/lib/webhook/cli/__main__.py", elsewhere) == "legwork"
    assert "`.venv/bin/legwork status`" in banner(plan_of(**REAL), ".venv/bin/legwork")


def test_no_password_is_shown_that_a_reader_of_urls_sees_none_in(plan_of):
    """An @ ends the password for a database's driver; for urlsplit the last one does."""
    sinks = (
        "postgresql://u:pa@the-password@host/db amqp://u:pa%23the-password@host/v https://the-password@crm.example/x"
    )
    assert "the-password" not in str(report(plan_of(**REAL, SINKS=sinks)))


@pytest.mark.parametrize(
    ("host", "there"),
    [
        ("", "localhost"),
        ("::", "localhost"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
        ("127.0.0.2", "127.0.0.2"),
    ],
)
def test_urls_lead_to_the_address_that_the_web_listens_on(plan_of, host, there):
    plan = plan_of(HOST=host)
    assert report(plan)["console"] == f"http://{there}:{plan.settings.port}/"
    variables = sandbox_environment(plan, {})
    by_number = "127.0.0.1" if there == "localhost" else there
    assert variables["SANDBOX_STATUS_URL"].startswith(f"http://{by_number}:{plan.settings.port}/callbacks/")


def test_the_sandbox_does_not_take_the_port_of_the_web(plan_of, monkeypatch):
    port = free_port()
    monkeypatch.setattr(plan_module, "SANDBOX_PORT", port)
    plan = plan_of(PORT=str(port))
    assert (plan.settings.port, plan.sandbox == port) == (port, False)


def test_the_sandbox_takes_the_port_that_the_user_gives(plan_of):
    assert plan_of(SANDBOX_PORT="18010").sandbox_url == "http://127.0.0.1:18010"


@pytest.mark.parametrize("port", ["0", "65536", "8010a", "9" * 5000], ids=["zero", "too large", "a word", "digits"])
def test_a_sandbox_port_that_is_none_is_refused(plan_of, port):
    assert problems_of(plan_of, SANDBOX_PORT=port) == [
        "SANDBOX_PORT: is not a port; set it to a number from 1 to 65535, or unset it"
    ]


def test_the_banner_says_what_is_pretended_and_which_times_are_short(plan_of):
    text = banner(plan_of(SETTLE_SECONDS="50"))
    assert "EXOTEL_API_KEY is not set" in text
    assert "CONFIRM_SECONDS=20" in text
    assert "SETTLE_SECONDS" not in text

"""Whatever the secrets of a webhook look like that is added at run time, no part of one shows."""

from __future__ import annotations

import io

import pytest
from cli_kit import keep_no_loggers, logs_as_they_were, run
from factories import make_settings
from hypothesis import example, given
from hypothesis import strategies as some
from searching import COMMANDS, PASSWORDS, assert_nothing_shows, few, told_by_commands, told_by_pages
from subscribing import KEY

from schemas.settings import SinkSpec
from webhook import create_app
from worker.connections import connect
from worker.context import WorkerContext
from worker.ledger import Ledger
from worker.logs import set_up_logs


@pytest.mark.parametrize("kind", ["userinfo", "token", "header"])
def test_a_subscribers_password_shows_nowhere(redis_url, echo, kind):
    """By the command, over the API, and by the console; where nobody answers, and where somebody repeats all he hears."""
    settings = make_settings(redis_url, legwork_secret_key=KEY, exotel_base_url=echo.url)

    @few(8)
    @given(PASSWORDS, some.booleans())
    @example("Qzx7w/jKv9Q", True)
    @example("12/Qzx7w", True)
    def shows_nowhere(password, is_there):
        with connect(settings) as client:
            client.flushall()
        base = echo.url if is_there else "http://127.0.0.1:1"
        url = {
            "userinfo": base.replace("://", f"://nobody:{password}@", 1) + "/hooks",
            "token": f"{base}/hooks?token={password}",
            "header": f"{base}/hooks",
        }[kind]
        options = {"allow_private": True, **({"headers": {"X-Key": password}} if kind == "header" else {})}
        environ = {"redis_url": redis_url, "legwork_secret_key": KEY, "exotel_base_url": echo.url}
        header = ("--header", f"X-Key:{password}") if kind == "header" else ()
        add = ("sinks", "add", "crm", url, "--allow-private", *header)
        said = [run(*add, **environ).output, run(*add, "--unchecked", **environ).output]
        said.append(
            told_by_commands((*COMMANDS, ("sinks", "test", "crm"), ("sinks", "remove", "crm", "--yes")), **environ)
        )
        app = create_app(settings)
        try:
            browser = app.test_client()
            for check in ("?check=true", ""):
                answered = browser.post(f"/api/sinks{check}", json={"name": "crm", "url": url, "options": options})
                said.append(answered.text)
            said += [browser.post("/api/sinks/crm/test").text, told_by_pages(settings)]
        finally:
            app.extensions["legwork"].ledger.client.close()
        assert_nothing_shows(password, "\n".join(said))

    shows_nowhere()


def test_nor_does_that_of_one_that_was_added_before_its_url_was_refused(redis_url, echo):
    """It is left out and told, and what waits for it is kept."""
    settings = make_settings(redis_url, legwork_secret_key=KEY, exotel_base_url=echo.url)
    log = io.StringIO()
    with connect(settings) as client, logs_as_they_were():
        ledger = Ledger(client, settings)
        ledger.open()
        ledger.subscribers.add(SinkSpec(name="crm", url="https://u:12/Qzx7w@crm.example/?token=jKv9Q"))
        set_up_logs(settings, stream=log)
        keep_no_loggers()
        context = WorkerContext(settings, ledger, {})
        context.keep_sinks_open()
        for one in context.clients.values():
            one.close()
        ledger.meters.close()
    assert "sink.unusable" in log.getvalue()
    assert "has an @ after its host" in log.getvalue()
    environ = {"redis_url": redis_url, "legwork_secret_key": KEY, "exotel_base_url": echo.url}
    assert_nothing_shows("Qzx7w jKv9Q", log.getvalue() + told_by_pages(settings) + told_by_commands(**environ))

"""A real browser, Debian's chromium, in front of all of Legwork as processes. Imports nothing of ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from end_to_end.stage import Stage

CHROMIUM = Path("/usr/bin/chromium")
# It is to talk to nobody but us.
_QUIET = ["disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run"]
PASSWORD = "a long enough password"


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *(f"--{it}" for it in _QUIET)])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stage")
    with Stage(directory, CONSOLE_PASSWORD=PASSWORD) as found:
        found.start_line("web")
        found.start_line("worker")
        yield found


@pytest.fixture
def tab(chromium, stage):
    """A tab of somebody who is signed in; whatever the browser complains of fails the test."""
    context = chromium.new_context(base_url=stage.url)
    tab = context.new_page()
    complaints = []
    tab.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto("/sign-in")
    tab.get_by_label("password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("/")
    yield tab
    context.close()
    assert complaints == []

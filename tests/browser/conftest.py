"""A real browser, Debian's chromium, in front of all of Legwork as processes. Imports nothing of ours."""

from __future__ import annotations

import os

import pytest
from browser.tab import CHROMIUM
from browser.tab import chromium as start_chromium
from end_to_end.stage import Stage

PASSWORD = "a long enough password"


# Not for the session: until it is closed, Playwright's event loop counts as running in this thread,
# and whichever test of another file comes next in the same process could not start one.
@pytest.fixture(scope="module")
def chromium():
    """A laptop without a browser skips; CI, which installs one, fails."""
    if not CHROMIUM.exists() and not os.environ.get("CI"):
        pytest.skip(f"no {CHROMIUM}")
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stage")
    with Stage(directory, CONSOLE_PASSWORD=PASSWORD, PROGRESS_SECONDS="3600") as found:
        found.start_line("web")
        found.start_line("worker")
        yield found


@pytest.fixture
def complaints():
    """What the browser complains of; what is left of it at the end fails the test."""
    found = []
    yield found
    assert found == []


@pytest.fixture
def tab(chromium, stage, complaints):
    """A tab of somebody who is signed in."""
    context = chromium.new_context(base_url=stage.url)
    tab = context.new_page()
    tab.clock.install()  # it goes as it always does, until a test puts it forward
    tab.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto("/sign-in")
    tab.get_by_label("password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("/")
    yield tab
    context.close()

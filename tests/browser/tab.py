"""Debian's chromium, which is to talk to nobody but us."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
_QUIET = ["disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "no-first-run"]


@contextmanager
def chromium():
    """A browser of its own, without a window."""
    # Late: a laptop may be without it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *(f"--{it}" for it in _QUIET)])
        yield browser
        browser.close()

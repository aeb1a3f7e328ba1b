"""What every page tells the browser, and what it loads."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from console_kit import PAGES, SID, Person, settle_calls

from webhook.console import DOCUMENTATION

STATIC = Path(__file__).parents[3] / "webhook/static"


@pytest.mark.parametrize("path", [*PAGES, "/docs", "/no/such/page", f"/calls/{SID}", "/static/legwork.css"])
def test_every_answer_keeps_browsers_from_running_and_framing_what_is_not_ours(web, path):
    settle_calls(web, SID)
    headers = Person(web).read(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", [*PAGES, "/docs", f"/calls/{SID}", f"/calls/{SID}/legs.svg", "/sinks/stdout"])
def test_no_page_needs_what_the_policy_forbids(web, path):
    settle_calls(web, SID)
    page = Person(web).read(path).text
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page)
    assert not re.findall(r"<script(?![^>]* src=\"/static/)", page)
    # The footer leads to the documentation; nothing is loaded from there.
    assert set(re.findall(r"(?:src|href|action)=\"(?!/|#)([^\"]*)", page)) <= {
        DOCUMENTATION,
        f"{DOCUMENTATION}runbook.md",
    }
    assert not re.findall(r"(?:src|action)=\"(?!/|#)", page)


def test_what_pages_load_is_there_and_may_be_kept_for_ever(web):
    person = Person(web)
    for url in set(re.findall(r'"(/static/[^"]+)"', person.read().text)):
        answer = person.read(url)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.data == (STATIC / url.partition("?")[0].removeprefix("/static/")).read_bytes()


def test_scripts_and_stylesheets_are_named_with_their_checksums(web):
    page = Person(web).read().text
    loaded = re.findall(
        r'<(?:script src|link rel="stylesheet" href)="/static/([^"?]+)[^>]* integrity="sha256-([^"]+)"', page
    )
    assert len(loaded) == len(re.findall(r'<script|rel="stylesheet"', page)) == 8
    for name, checksum in loaded:
        assert base64.b64encode(hashlib.sha256((STATIC / name).read_bytes()).digest()).decode() == checksum


def test_what_others_wrote_is_byte_for_byte_what_they_released():
    vendor = STATIC / "vendor"
    sums = dict(reversed(line.split()) for line in (vendor / "SHA256SUMS").read_text().splitlines())
    assert sums == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.glob("*.min.*")}
    assert {path.name.split(".")[0] for path in vendor.glob("*.LICENSE")} == {name.split(".")[0] for name in sums}


@pytest.mark.parametrize("query", ["", "?v=0123456789abcdef"])
def test_a_file_by_another_checksum_is_not_kept_for_ever(web, query):
    answer = Person(web).read(f"/static/legwork.css{query}")
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e/app.py", "vendor/../../app.py", "a" * 300, ".", ""])
def test_nothing_is_looked_at_that_is_not_among_the_files(web, name):
    """Whoever guessed right what is in a file of the host was told so: his 404 was for ever."""
    guess = hashlib.sha256((STATIC.parent / "app.py").read_bytes()).hexdigest()[:16]
    answer = Person(web).read(f"/static/{name}?v={guess}")
    assert (answer.status_code, "immutable" in answer.headers.get("Cache-Control", "")) == (404, False)


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_not_kept_by_anybody(web, path):
    assert Person(web).read(path).headers["Cache-Control"] == "no-store"

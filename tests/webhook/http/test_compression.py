"""What is large and holds no secret is compressed; pages with the token of a form never are."""

from __future__ import annotations

import gzip
import re

import pytest
from console_kit import PAGES, Person, settle_calls
from web_app import SID

from webhook.http.compression import compressed_file

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
# The largest of what pages load is a third of itself.
LARGE = [
    "/static/vendor/htmx.min.js",
    "/static/legwork.css",
    "/openapi.json",
    "/schemas/call-record/v1.json",
    "/metrics",
]


def get(web, path, headers=None):
    """Ask, and read the answer to its end: a file is closed then."""
    return web.get(path, headers=headers or {}, buffered=True)


@pytest.mark.parametrize("path", LARGE)
def test_what_is_public_is_sent_compressed_to_whoever_takes_it(web, path):
    plain, packed = get(web, path), get(web, path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in packed.headers["Vary"]
    if path != "/metrics":
        assert gzip.decompress(packed.data) == plain.data


@pytest.mark.parametrize("refusing", ["identity", "gzip;q=0", "br"])
def test_whoever_does_not_take_it_gets_it_as_it_is(web, refusing):
    answer = get(web, "/static/legwork.css", headers={"Accept-Encoding": refusing})
    assert "Content-Encoding" not in answer.headers
    assert b"{" in answer.data


@pytest.mark.parametrize("path", [*PAGES, f"/calls/{SID}", "/docs", "/api/status", "/no/such/page"])
def test_what_may_hold_a_secret_is_not_compressed(web, path):
    """A token beside what somebody asked for, compressed, can be guessed from the length (BREACH)."""
    settle_calls(web, SID)
    answer = Person(web).open("GET", path, headers=GZIP)
    assert "Content-Encoding" not in answer.headers
    assert len(answer.data) > 10


def test_what_is_small_is_sent_as_it_is(web):
    assert "Content-Encoding" not in get(web, "/static/icon.svg", headers=GZIP).headers


def test_each_form_of_a_file_has_a_tag_of_its_own_and_whoever_has_it_is_told_so(web):
    path = "/static/vendor/uPlot.iife.min.js"
    tags = [get(web, path).headers["ETag"], get(web, path, headers=GZIP).headers["ETag"]]
    assert len(set(tags)) == 2
    for tag, headers in zip(tags, ({}, GZIP), strict=True):
        again = get(web, path, headers={**headers, "If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")


def test_files_alone_are_kept_compressed(web):
    """Metrics are never the same twice: each scrape pushed a file out, and was kept in its place."""
    compressed_file.cache_clear()
    for path in LARGE:
        get(web, path, headers=GZIP)
    kept = compressed_file.cache_info().currsize
    for _ in range(3):
        get(web, "/metrics", headers=GZIP)
        get(web, "/static/legwork.css", headers=GZIP)
    assert (kept, compressed_file.cache_info().currsize) == (2, 2)


def test_head_says_what_get_would(web):
    path = "/static/vendor/htmx.min.js"
    head, got = web.client.head(path, headers=GZIP, buffered=True), get(web, path, headers=GZIP)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Encoding"] == "gzip"
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_compressed_files_may_be_kept_for_ever_too(web):
    url = next(iter(re.findall(r'"(/static/[^"]+)"', Person(web).read().text)))
    assert "immutable" in get(web, url, headers=GZIP).headers["Cache-Control"]

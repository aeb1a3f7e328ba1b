"""The overview and the accounts: what can be seen in ten seconds."""

from __future__ import annotations

import re

from console_kit import SID, Person, admit, bury_delivery, settle_calls, words_of
from factories import ACCOUNT

from worker.ledger.backlog import Lane


def test_it_says_what_waits_and_that_nobody_works(web):
    admit(web, SID)
    page = words_of(Person(web).read())
    assert SID[:8] in page
    assert "Waiting 1" in page
    assert "no worker is running" in page


def test_with_a_worker_there_is_no_alarm(web):
    web.ledger.register_worker("host:1", 8)
    page = words_of(Person(web).read())
    assert "Workers 1 8 threads" in page
    assert "no worker is running" not in page


def test_it_tells_what_is_late_from_what_waits_on_purpose(web):
    book = web.ledger.calls[ACCOUNT]
    admit(web, SID)
    # The machine may take its time: the ages are looked at by their unit.
    waits = rf"{ACCOUNT} active 1 \d+ s"
    assert re.search(f"{waits} \N{EN DASH}", words_of(Person(web).read())), "it settles"
    for minutes, shown in ((1, r"6\d s"), (10, "10 min")):
        web.redis.zadd(book.fetches.due_key(Lane.LIVE), {SID: web.ledger.now_ms() - minutes * 60_000})
        page = Person(web).read()
        assert re.search(f"{waits} {shown}", words_of(page))
        assert bool(re.search(f'<span class="bad">{shown}</span>', page.text)) == (minutes > 2)


def test_it_shows_the_bucket_as_a_gauge(web):
    bucket = web.ledger.calls[ACCOUNT].bucket
    for token in ("one", "two"):
        assert bucket.take(token).taken
    page = Person(web).read().text
    assert "2 in use, 0 cooling down, 198 free, of 200" in page
    assert '<rect class="in-flight" width="1.0"' in page


def test_it_shows_what_failed_last_fetches_and_deliveries_with_no_number_in_the_reason(web):
    settle_calls(web, SID)
    bury_delivery(web, SID, answer="503: +919000000001 is blocked")
    settle_calls(web, "call00002", outcome="dead", reason="404: no such call")
    page = words_of(Person(web).read())
    failed = page[page.index("Recent failures") : page.index("Recent calls")]
    assert failed.index("404: no such call") < failed.index("503: …0001 is blocked")
    assert "and 1 dead letter" in page


def test_a_sink_that_is_not_well_says_why(web):
    web.ledger.disable_sink("stdout", "moves house")
    assert "stdout disabled moves house" in words_of(Person(web).read())


def test_what_strangers_wrote_is_text_and_never_markup(web):
    settle_calls(web, SID, outcome="dead", reason="<script>alert(1)</script>")
    for path in ("/", "/dead", f"/calls/{SID}", "/calls"):
        page = Person(web).read(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_it_updates_itself_by_a_script_of_ours_and_can_be_paused(web):
    page = Person(web).read().text
    assert "http-equiv" not in page
    assert 'hx-get="/"' in page
    assert "/static/vendor/htmx.min.js" in page
    assert 'id="pause"' in page


def test_the_accounts_say_what_they_may_ask_and_what_holds_them_up(web):
    bucket = web.ledger.calls[ACCOUNT].bucket
    bucket.take("one")
    page = words_of(Person(web).read("/accounts"))
    assert "200 requests in any 60 s" in page
    assert "1 of 200" in page
    assert "not paused" in page


def test_a_paused_account_says_until_when(web):
    bucket = web.ledger.calls[ACCOUNT].bucket
    bucket.pause(80)
    page = words_of(Person(web).read("/accounts"))
    assert "Exotel asked for a pause" in page
    assert re.search(r"\( in (80|7\d) s \)", page)


def test_a_suspended_account_says_why(web):
    bucket = web.ledger.calls[ACCOUNT].bucket
    bucket.suspend("401: wrong key")
    page = words_of(Person(web).read("/accounts"))
    assert "suspended 401: wrong key" in page
    assert "No call is lost" in page

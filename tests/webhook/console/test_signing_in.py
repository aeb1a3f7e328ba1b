"""Signing in to the console, and out of it; and how often a password may be tried."""

from __future__ import annotations

import pytest
import redis
from console_kit import ABROAD, PAGES, PASSWORD, Person, messages, words_of
from redis.backoff import NoBackoff
from redis.retry import Retry
from web_app import PROBLEM

from webhook.context.login_throttle import UNCOUNTED_SECONDS, LoginThrottle
from worker.ledger.registry.login_attempts import IN_ALL, PER_ADDRESS, LoginAttempts


@pytest.fixture
def locked(make_web):
    return make_web(console_password=PASSWORD)


@pytest.fixture
def person(locked):
    return Person(locked)


def cookie_of(answer):
    return answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_is_shown_the_page_to_sign_in_at_and_nothing_else(person, path):
    answer = person.read(path)
    assert answer.status_code == 401
    # At `Basic` it would ask in a window of its own.
    challenge = 'Cookie realm="Legwork", form-action="/sign-in", cookie-name="legwork"'
    assert answer.headers["WWW-Authenticate"] == challenge
    assert 'type="password"' in answer.text
    assert "acme1m" not in answer.text


def test_a_program_is_asked_for_basic_authentication_and_gets_in_by_it(locked):
    assert locked.get("/").headers["WWW-Authenticate"].startswith("Basic ")
    assert locked.get("/", headers={"Accept": "*/*"}).content_type == PROBLEM
    assert locked.get("/", auth=("anybody", PASSWORD)).status_code == 200


def test_the_right_password_opens_the_page_that_was_asked_for(person):
    wanted = "/calls?state=dead"
    assert 'value="/calls?state=dead"' in person.read(wanted).text
    answer = person.sign_in(wanted=wanted)
    assert (answer.status_code, answer.location) == (303, wanted)
    assert "Sign out" in person.follow(answer).text


def test_after_a_wrong_password_it_is_still_known_what_was_asked_for(person):
    assert 'name="wanted" value="/dead"' in person.sign_in("a wrong password", wanted="/dead").text


@pytest.mark.parametrize("wanted", ["//evil.example/", "/\\evil.example", "https://evil.example/", "", "/\r\nX: y"])
def test_signing_in_never_leads_to_another_site(person, wanted):
    assert person.sign_in(wanted=wanted).location == "/"


def test_the_cookie_is_for_tls_and_this_site_alone_and_out_of_reach_of_scripts(locked):
    cookie = cookie_of(Person(locked, at=ABROAD, address="203.0.113.7").sign_in())
    assert cookie.startswith("__Host-legwork=")
    attributes = {part.strip() for part in cookie.split(";")[1:]}
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"} <= attributes


def test_at_this_machine_the_cookie_works_without_tls(person):
    assert "Secure" not in cookie_of(person.sign_in())
    assert person.read().status_code == 200


def test_over_plain_http_from_elsewhere_the_page_says_why_it_will_not_do(locked):
    elsewhere = Person(locked, at="http://legwork.example", address="203.0.113.7")
    assert "HTTPS only" in words_of(elsewhere.read("/sign-in"))


def test_a_wrong_password_opens_nothing(person):
    answer = person.sign_in("a wrong password")
    assert answer.status_code == 403
    assert "That is not the password" in words_of(answer)
    assert person.read().status_code == 401


def test_a_wrong_password_is_an_error_and_said_once(person):
    """It was said twice, and first in the green of what has succeeded."""
    assert messages(person.read("/sign-in"), "status") == []
    answer = person.sign_in("a wrong password")
    assert messages(answer, "status") == []
    assert messages(answer, "alert") == ["That is not the password."]
    assert words_of(answer).count("That is not the password.") == 1


def test_after_so_many_wrong_passwords_an_address_is_not_listened_to_any_more(locked):
    person = Person(locked)
    assert [person.sign_in(f"guess {count}").status_code for count in range(PER_ADDRESS)] == [403] * PER_ADDRESS
    answer = person.sign_in()
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert Person(locked, address="127.0.0.2").sign_in().status_code == 303


def test_all_web_processes_count_together_and_both_ways_in_too(make_web):
    one, other = make_web(console_password=PASSWORD), make_web(console_password=PASSWORD)
    for count in range(PER_ADDRESS):
        assert one.get("/api/sinks", auth=("me", f"guess {count}")).status_code == 401
    assert other.get("/api/sinks", auth=("me", PASSWORD)).status_code == 429
    assert Person(other).sign_in().status_code == 429


def test_a_session_goes_on_while_its_address_is_not_listened_to(locked):
    person = Person(locked)
    person.sign_in()
    for count in range(PER_ADDRESS):
        locked.get("/", auth=("me", f"guess {count}"))
    assert person.read().status_code == 200


def test_guessing_from_many_places_leaves_each_one_try_so_nobody_locks_the_operators_out(locked):
    guesses = LoginAttempts(locked.redis)
    for count in range(IN_ALL):
        guesses.count(f"198.51.100.{count}")
    operator, guesser = Person(locked, address="192.0.2.1"), Person(locked, address="192.0.2.2")
    assert [guesser.sign_in("wrong").status_code, guesser.sign_in("wrong").status_code] == [403, 429]
    assert operator.sign_in().status_code == 303


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_whoever_has_one_address_of_ipv6_has_its_neighbours_too(web, one, other, same):
    guesses = LoginAttempts(web.redis)
    for _ in range(PER_ADDRESS):
        guesses.count(one)
    assert bool(guesses.wait_seconds(other)) is same


def test_wrong_passwords_are_forgotten_after_a_quarter_of_an_hour(locked):
    guesses = LoginAttempts(locked.redis)
    for _ in range(PER_ADDRESS):
        guesses.count("192.0.2.1")
    assert 0 < guesses.wait_seconds("192.0.2.1") <= 900
    assert all(0 < locked.redis.pttl(key) <= 900_000 for key in locked.redis.scan_iter("lw:{guesses}:*"))


def test_while_redis_cannot_count_a_process_listens_to_one_wrong_password_in_a_while():
    now = [100.0]
    lock = LoginThrottle(redis.Redis(port=1, retry=Retry(NoBackoff(), 0)), monotonic=lambda: now[0])
    assert not lock.try_password("wrong", PASSWORD, "192.0.2.1").wait_seconds
    assert lock.try_password(PASSWORD, PASSWORD, "192.0.2.2").wait_seconds > 0
    now[0] += UNCOUNTED_SECONDS
    assert lock.try_password(PASSWORD, PASSWORD, "192.0.2.2").right


def test_a_form_without_its_token_changes_nothing(web):
    person = Person(web)
    person.token()
    for token in ("", "0" * 64, None):
        answer = person.open("POST", "/sinks/stdout/disable", data={"token": token} if token is not None else {})
        assert answer.status_code == 403
    assert web.ledger.sink_states() == {}


def test_the_token_of_one_visit_is_none_of_another(web):
    one, other = Person(web), Person(web)
    token = one.token()
    assert other.token() != token
    assert other.open("POST", "/sinks/stdout/disable", data={"token": token}).status_code == 403
    assert one.open("POST", "/sinks/stdout/disable", data={"token": token}).status_code == 303


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_page_of_another_site_changes_nothing_even_with_a_session_and_a_token(person, locked, headers):
    person.sign_in()
    token = person.token()
    answer = person.open("POST", "/sinks/stdout/disable", data={"token": token}, headers=headers)
    assert answer.status_code == 403
    assert locked.ledger.sink_states() == {}


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/calls/3f9a1c7e5b2d4806a9c1e3f5b7d91a9g", "/sinks/stdout"])
def test_without_a_password_there_is_no_console_for_strangers_not_even_a_trace_of_one(web, path):
    stranger = Person(web, at=ABROAD, address="203.0.113.7")
    answer, unknown = stranger.read(path), stranger.read("/no/such/page")
    assert (answer.status_code, answer.data) == (404, unknown.data)
    assert "Set-Cookie" not in answer.headers


def test_without_a_password_this_machine_needs_no_signing_in(web):
    person = Person(web)
    assert all(person.read(path).status_code == 200 for path in PAGES)
    assert person.read("/sign-in").status_code == 404


def test_the_password_is_in_no_page_and_no_log(locked, capfd):
    person = Person(locked)
    person.sign_in("something wrong")
    pages = [person.sign_in(), *(person.read(path) for path in PAGES)]
    assert not any(PASSWORD in page.text or "something wrong" in page.text for page in pages)
    told = "".join(capfd.readouterr())
    assert "console.wrong_password" in told
    assert PASSWORD not in told
    assert "something wrong" not in told


def test_the_api_page_leads_on_those_whom_the_other_pages_let_in_and_nobody_else(make_web):
    """It is open to all, and took everybody for a stranger: whoever came from the overview had to find the way back."""
    web = make_web(console_password=PASSWORD)
    person = Person(web)
    assert 'href="/calls"' not in person.read("/docs").text
    person.sign_in()
    page = person.read("/docs").text
    assert 'href="/calls"' in page
    assert "Sign out" in page
    here, abroad = Person(make_web()), Person(make_web(), address="203.0.113.9")
    assert 'href="/calls"' in here.read("/docs").text
    assert 'href="/calls"' not in abroad.read("/docs").text

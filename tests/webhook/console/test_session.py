"""The session at the console: a signed cookie, which every web process knows, and how it ends."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
import time_machine
from console_kit import PASSWORD, Person, words_of
from itsdangerous import Signer
from web_app import WebApp


@pytest.fixture
def locked(make_web):
    return make_web(console_password=PASSWORD)


@pytest.fixture
def person(locked):
    return Person(locked)


def cookie_of(answer):
    return answer.headers["Set-Cookie"]


def test_every_web_process_knows_the_session(make_web):
    one, other = make_web(console_password=PASSWORD), make_web(console_password=PASSWORD)
    person = Person(one)
    person.sign_in()
    person.browser = carry_over(person, other)
    assert person.read().status_code == 200


def carry_over(person, web):
    """The same browser, in front of another process."""
    browser = web.app.test_client()
    cookie = person.browser.get_cookie("legwork")
    browser.set_cookie("legwork", cookie.value)
    return browser


def test_a_changed_password_ends_every_session(make_web):
    person = Person(make_web(console_password=PASSWORD))
    person.sign_in()
    person.browser = carry_over(person, make_web(console_password="another password"))
    assert person.read().status_code == 401
    assert person.sign_in("another password").status_code == 303


def test_a_session_ends_after_twelve_hours(person):
    with time_machine.travel("2026-09-16T05:30:00Z", tick=False) as clock:
        person.sign_in()
        clock.shift(12 * 3600 - 1)
        # The browser keeps it a little longer than it may: the server's word counts.
        value = person.browser.get_cookie("legwork").value
        assert person.read().status_code == 200
        clock.shift(2)
        person.browser.set_cookie("legwork", value)
        assert person.read().status_code == 401


def test_signing_out_ends_the_session_wherever_its_cookie_got_to(locked):
    person, thief = Person(locked), Person(locked)
    person.sign_in()
    thief.browser = carry_over(person, locked)
    assert thief.read().status_code == 200
    answer = person.press("/sign-out")
    assert answer.location == "/sign-in"
    assert "Max-Age=0" in cookie_of(answer)
    assert person.read().status_code == 401
    assert thief.read().status_code == 401


def test_a_cookie_that_was_tampered_with_opens_nothing(person):
    person.read("/sign-in")
    mine = person.browser.get_cookie("legwork").value
    told, _, signature = mine.rpartition(".")
    strangers = Signer("another key", salt="cookie", key_derivation="hmac", digest_method=sha256)
    signed_in = urlsafe_b64encode(b'["x",true,9999999999]').decode().rstrip("=")
    for forged in (
        f"{signed_in}.{signature}",
        f"{told[:-1]}{'A' if told[-1] != 'A' else 'B'}.{signature}",
        f"{signed_in}.",
        strangers.sign(signed_in).decode(),
        f"in.9999999999.x.{'0' * 64}",  # as it was written before
        "in",
        "....",
        "\u0131\u20ac",
    ):
        person.browser.set_cookie("legwork", forged)
        assert person.read().status_code == 401, forged


def test_the_token_of_a_form_is_no_cookie(person):
    """Both are signed by the same key, each with a salt of its own."""
    token = person.token()
    name = json.loads(urlsafe_b64decode(person.browser.get_cookie("legwork").value.partition(".")[0] + "=="))[0]
    person.browser.set_cookie("legwork", f"{name}.{token}")
    assert person.read().status_code == 401


def test_what_somebody_else_put_into_the_browser_does_not_become_the_session(person):
    person.read("/sign-in")
    before = person.browser.get_cookie("legwork").value
    person.sign_in()
    after = person.browser.get_cookie("legwork").value
    names = [json.loads(urlsafe_b64decode(value.partition(".")[0] + "=="))[0] for value in (before, after)]
    assert names[0] != names[1]


def test_while_the_ledger_is_away_whoever_is_signed_in_is_told_so(redis_url, make_web):
    person = Person(make_web(console_password=PASSWORD))
    person.sign_in()
    away = WebApp("redis://127.0.0.1:1/0", console_password=PASSWORD)
    person.browser = carry_over(person, away)
    answer = person.read()
    assert (answer.status_code, "out of reach" in words_of(answer)) == (503, True)
    away.close()

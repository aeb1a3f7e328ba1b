"""Secrets are taken out of texts, and nothing else is."""

from __future__ import annotations

import html
import json
import re

import pytest

from schemas.settings import SinkSpec
from schemas.urls import place_of, take_apart, without_password
from worker.errors import TemporaryFailure
from worker.secret_masking import Secrets, keeping_secrets_of, secrets_of_sink, without_secrets_of


@pytest.mark.parametrize("text", ["postgresql 15.20, tables", "PostgreSQL", "repost", "posted"])
def test_a_secret_that_is_a_word_is_not_found_in_longer_ones(text):
    """A check said `***ql 15.20`, which hid nothing, and told what the password was."""
    assert Secrets(["postgres", "post"]).without(text) == text


@pytest.mark.parametrize("before", ["", "'", "=", ":", "@", "%3A", "%40", "\\n", "\\u00e9", "_"])
@pytest.mark.parametrize("after", ["", "'", "@", "%40", "\\n", "_", "&"])
@pytest.mark.parametrize("secret", ["post", "postgres", "s3cr3t", "p@ss", "@pass@"])
def test_a_short_secret_is_found_wherever_it_stands_for_itself(before, secret, after):
    assert Secrets([secret]).without(f"{before}{secret}{after}") == f"{before}***{after}"


def test_a_long_secret_is_found_wherever_it_is():
    assert Secrets(["s3cr3t-of-the-shop"]).without("xs3cr3t-of-the-shopx") == "x***x"


@pytest.mark.parametrize("secret", ['s3"cr3t', "s3'c\\r3t", "s3<cr3t>&", "größe-und-maß", "\U0001f600-emoji"])
@pytest.mark.parametrize("spell", [str, repr, json.dumps, html.escape, "<{}>".format])
def test_a_secret_is_found_however_somebody_spells_it(secret, spell):
    """Receivers repeat what they were sent, as JSON or on a page of their own."""
    assert re.fullmatch("""they said: ['"<]?[*]{3}['">]?""", Secrets([secret]).without(f"they said: {spell(secret)}"))


def test_a_users_name_is_no_secret():
    """`***ql 15.20`: the user of the URL had no password."""
    spec = SinkSpec(name="db", url="postgresql://postgres@db/calls")
    assert (
        Secrets(secrets_of_sink(spec)).without("user postgres of postgresql 15.20")
        == "user postgres of postgresql 15.20"
    )


def test_what_is_raised_about_a_sink_has_none_of_its_secrets():
    spec = SinkSpec(name="db", url="postgresql://u:P@s3cr3tPW@db/calls")
    with pytest.raises(TemporaryFailure) as caught, keeping_secrets_of(spec):
        raise TemporaryFailure("failed to resolve host 's3cr3tPW@127.0.0.1'", retry_after=3.0)
    assert str(caught.value) == "failed to resolve host '***@127.0.0.1'"
    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize("user", ["", "u", "user"])
@pytest.mark.parametrize("password", ["a", "7", "ab", "@b", "abc"])
def test_a_password_of_a_few_letters_is_masked_where_a_url_is(user, password):
    """In a text alone it cannot be: an `a` is in every sentence."""
    url = f"redis://{user}:{password}@h:1/0"
    spec = SinkSpec(name="crm", url=url, secrets=(password,))
    shown = [place_of(url), without_password(url), repr(take_apart(url)), repr(spec)]
    shown += [without_secrets_of(spec, f"no route to {url}, given up")]
    assert not [text for text in shown if f":{password}@" in text or repr(password) in text]
    assert without_secrets_of(spec, "a cab is no route, 7 abc") == "a cab is no route, 7 abc"

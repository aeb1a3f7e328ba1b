"""A URL is taken apart in one way, whatever library is given it afterwards, and no part of its password shows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import example, given
from hypothesis import strategies as some
from kombu.utils.url import parse_url as parsed_by_kombu
from redis.connection import parse_url as parsed_by_redis
from requests.utils import get_auth_from_url

from schemas.urls import UnclearUrl, place_of, secrets_in, strictly_written, take_apart, without_password

PLACES = {
    "redis": "redis.example:6379/0",
    "rediss": "redis.example:6379/0",
    "unix": "/run/redis.sock",
    "amqp": "broker.example:5672/vhost",
    "postgresql": "db.example:5432/calls",
    "mysql+pymysql": "db.example/calls",
    "kafka": "one.example:9092,two.example:9092",
    "s3": "bucket/prefix",
    "https": "crm.example:8443/hooks",
}
#: What people have in their passwords, and what stands for something in a URL.
PASSWORDS = some.text("abcXYZ019@/#?:%[]&=+;,!$'()*~-_.\\|^{}\"<>`é℀", min_size=1, max_size=20)
SHORTEST = 4


def written(scheme, password, user="user"):
    return f"{scheme}://{user}:{password}@{PLACES[scheme]}"


def telling_pieces(text, secret):
    """What of a secret stands in a text, four characters or more."""
    pieces = (secret[at : at + SHORTEST] for at in range(len(secret) - SHORTEST + 1))
    return [piece for piece in pieces if piece in text]


@pytest.mark.parametrize("scheme", PLACES)
@given(password=PASSWORDS)
@example("P@s3cr3tPW")
@example("abc/s3cr3tPART")
@example("12#s3cr3tPART")
@example("12/34")
@example("#s3cr3t")
@example("1?s3cr3t@and:more")
@example("100%")
@example("[s3cr3t]")
@example("s3cr3t℀s3cr3t")
def test_a_url_is_understood_or_given_up_and_its_password_is_never_shown(scheme, password):
    url = written(scheme, password)
    if set(password) & set("/?#"):
        with pytest.raises(UnclearUrl) as caught:
            take_apart(url)
        assert not telling_pieces(str(caught.value), password)
        assert place_of(url) == without_password(url) == f"{scheme}://…"
        return
    parts = take_apart(url)
    assert (parts.user, parts.password) == ("user", password)
    assert f"{parts.address}{parts.path}" == PLACES[scheme]
    assert str(parts) == url
    assert place_of(url) == f"{scheme}://{PLACES[scheme]}"
    assert without_password(url) == f"{scheme}://user:***@{PLACES[scheme]}"
    assert password not in repr(parts) or len(password) < SHORTEST
    assert password in secrets_in(url)


READ_BY = {
    "redis": lambda url: (parsed_by_redis(url)["username"], parsed_by_redis(url)["password"]),
    "unix": lambda url: (parsed_by_redis(url)["username"], parsed_by_redis(url)["password"]),
    "amqp": lambda url: (parsed_by_kombu(url)["userid"], parsed_by_kombu(url)["password"]),
    "postgresql": lambda url: (sa.make_url(url).username, sa.make_url(url).password),
    "mysql+pymysql": lambda url: (sa.make_url(url).username, sa.make_url(url).password),
    "https": get_auth_from_url,
}


@pytest.mark.parametrize("scheme", READ_BY)
@given(
    password=PASSWORDS.filter(lambda text: not set(text) & set("/?#%")), user=some.sampled_from(["user", "me@tenant"])
)
@example(password="P@s3cr3tPW", user="user")
def test_the_strict_spelling_is_read_by_every_library_as_it_was_meant(scheme, password, user):
    """To SQLAlchemy a password ended at its first @: the rest was a host, and stood in messages, records and on pages."""
    assert READ_BY[scheme](strictly_written(written(scheme, password, user))) == (user, password)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pass@crm.example/hooks?signed=a%2Fb~d#e",
        "https://crm.example/hooks?signed=a%2Fb@c~d",
        "https://crm.example:8443/%7Ea?b=c",
        "postgresql:///calls?host=/run/postgresql",
        "file:records@home.jsonl",
    ],
)
def test_what_can_be_read_in_one_way_only_stays_as_it_was_written(url):
    assert strictly_written(url) == url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://blog.example/@me?token=x", "https://blog.example/@me"),
        ("https://blog.example:8443/@me", "https://…"),
        ("http://localhost/@me", "http://localhost/@me"),
        ("https://sk_live_1234/56@crm.example/", "https://…"),
        ("https://[::1]/@me", "https://[::1]/@me"),
        ("s3://bucket/prefix@home", "s3://bucket/prefix@home"),
        ("file:///var/records@home.jsonl", "file:///var/records@home.jsonl"),
        ("file:records.jsonl?rotate=day", "file:records.jsonl"),
        ("my_sinks.crm:Crm?dsn=postgresql://u:s3cr3t@h/x", "my_sinks.crm:Crm"),
        ("redis://h:1/2", "redis://h:1/2"),
        ("redis://h:notaport/2", "redis://…"),
        ("https://a:99999999/", "https://…"),
        ("https://[v1.x]/", "https://…"),
        ("https://ho℀st/", "https://…"),
        ("", ""),
    ],
)
def test_where_a_url_leads(url, place):
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("redis://:secret@h:1/2", "redis://:***@h:1/2"),
        ("redis://secret@h:1/2", "redis://***@h:1/2"),
        ("rediss://user:sec%40ret@h/0?ssl_cert_reqs=none", "rediss://user:***@h/0?ssl_cert_reqs=none"),
        ("rediss://h/0?ssl_password=secret&x=1", "rediss://h/0?ssl_password=***&x=1"),
        ("unix://:secret@/run/r.sock", "unix://:***@/run/r.sock"),
        ("secret@h", "…"),
        ("", ""),
    ],
)
def test_a_url_for_the_log_has_no_password(url, shown):
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("url", "secrets", "no_secrets"),
    [
        ("redis://user:pa%2Fss@h", {"pa%2Fss", "pa/ss"}, {"user", "h"}),
        ("postgresql://postgres@h/calls", set(), {"postgres"}),
        ("https://sk_live_1234@h/", {"sk_live_1234", "c2tfbGl2ZV8xMjM0Og=="}, {"h"}),
        ("https://sk_live_1234:@h/", {"sk_live_1234", "c2tfbGl2ZV8xMjM0Og=="}, {"h"}),
        ("https://h/?page=frontpage&token=Qzx7w&jKv9Q#Zw3x", {"Qzx7w", "Qzx7w&jKv9Q#Zw3x"}, {"frontpage"}),
        ("https://user:s3cr3t@h/", {"s3cr3t", "dXNlcjpzM2NyM3Q="}, {"user"}),
        ("https://h/?code=s3cr3t&page=frontpage", {"s3cr3t"}, {"frontpage"}),
        ("amqp://h/?routing_key=calls", set(), {"calls"}),
        ("my.sinks:Crm?dsn=postgresql://u:s3cr3t@h/x", {"s3cr3t"}, {"u", "h"}),
        ("mysql://u:head/tail@h/x", {"head/tail", "head", "tail"}, {"h", "x"}),
    ],
)
def test_what_of_a_url_is_a_secret(url, secrets, no_secrets):
    found = secrets_in(url)
    assert secrets <= found
    assert not no_secrets & found


@pytest.mark.parametrize("port", ["65536", "1" * 5_000, "0" * 5_000 + "65536"])
def test_a_port_however_long_is_no_number_that_a_port_can_be(port):
    """One of more than 4300 digits was a ValueError of Python's own, and a traceback at the start."""
    url = f"https://crm.example:{port}/hooks"
    with pytest.raises(UnclearUrl, match="its port is not a number up to 65535"):
        take_apart(url)
    assert place_of(url) == without_password(url) == "https://…"


def test_a_port_may_have_noughts_in_front():
    assert take_apart("https://crm.example:00443/hooks").address == "crm.example:00443"

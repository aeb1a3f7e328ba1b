"""Path and query of a webhook go along to the letter: they may be signed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sink_contract import record, sink_spec
from stubs import StubServer, answer

from worker.sinks import BadSink, sink_for


@pytest.fixture(scope="module")
def subscriber():
    with StubServer(answer()) as server:
        yield server


def target(subscriber, rest, **options):
    """What the server is asked for, where the URL goes on like this behind its host."""
    sink = sink_for(sink_spec(f"{subscriber.url}{rest}", allow_private=True, **options))
    sink.send([record()])
    assert sink.exchange(record()).url == sink.url
    sink.check()
    sink.close()
    *_, sent, again, checked = subscriber.targets
    assert sent == again == checked
    return sent


@pytest.mark.parametrize(
    "written",
    [
        "/hook?sig=%7Ea%7e",
        "/%7Ejoe/%7ejoe/~joe",
        "/a%2fb/%2F%2e%2E/%41",
        "/a/../b/./c/..",
        "//a//b/",
        "/a;v=1/b;w?x;y",
        "/a?b=c+d%20e",
        "/a?b[]=1&c[d]=%5B2%5D",
        "/a[1]",
        "/a?",
        "/?",
        "/a?&",
        "/a?x=1&&y=2&",
        "/a?x",
        "/a?x=",
        "/a?x==1=",
        "/a?b=c?d=e/f",
        "/a?x=100%",
        "/a?x=%zz&y=%4",
        "/a?u=https://b.example/c?d:e",
        "/a!$&'()*+,;=:-._~",
        "/a?sv=2024-11-04&sig=aB%2BcD%3d%3D&se=2026-01-01T00%3A00%3a00Z",
    ],
)
def test_it_is_asked_for_as_it_is_written(subscriber, written):
    """`%7E` was sent as `~`, `%2f` as `%2F`, `[]` as `%5B%5D`, `/a/../b` as `/b`; a `?` with nothing behind it got lost."""
    assert target(subscriber, written) == written


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("", "/"),
        ("?a=%7e", "/?a=%7e"),
        ("/a#part", "/a"),
        ("/a?b=%7e#part?c", "/a?b=%7e"),
        ("/naïve?q=हिंदी", "/na%C3%AFve?q=%E0%A4%B9%E0%A4%BF%E0%A4%82%E0%A4%A6%E0%A5%80"),
        ('/a?q="<x>"', "/a?q=%22%3Cx%3E%22"),
        ("/a?q={x}|^`\\", "/a?q=%7Bx%7D%7C%5E%60%5C"),
    ],
)
def test_what_no_url_may_hold_is_encoded_and_a_fragment_stays_here(subscriber, written, sent):
    assert target(subscriber, written) == sent


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("?allow_networks=127.0.0.0/8", "/h"),
        ("?allow_networks=127.0.0.0/8&sig=%7e", "/h?sig=%7e"),
        ("?a=%2f&allow_networks=127.0.0.0/8&b=[]", "/h?a=%2f&b=[]"),
        ("?&a&allow_networks=127.0.0.0%2F8&&", "/h?&a&&"),
    ],
)
def test_our_own_options_are_taken_out_and_the_rest_is_left(subscriber, query, sent):
    assert target(subscriber, f"/h{query}") == sent


@given(st.text("abzAZ09-._~!$&'()*+,;=:/?[]%", max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_url_may_hold(subscriber, text):
    """But for an `@` behind a host with a port, which could belong to a password: it is refused, and written %40."""
    assert target(subscriber, f"/{text}") == f"/{text}"


@pytest.mark.parametrize("rest", ["/a?mail=me@b.example", "/a b", "/a@b"])
def test_what_could_be_read_in_two_ways_is_refused(subscriber, rest):
    with pytest.raises(BadSink, match=r"holds a space|has an @ after its host"):
        sink_for(sink_spec(f"{subscriber.url}{rest}"))

"""Webhook sinks send nothing to addresses that are none of the internet's, unless they are told to."""

from __future__ import annotations

import pytest
from house import make_settings
from sink_contract import record, sink_spec
from stubs import StubServer, answer

from worker.errors import PermanentFailure, TemporaryFailure
from worker.sinks import BadSink, open_sinks, sink_for

OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.fixture
def subscriber():
    with StubServer(answer()) as server:
        yield server


def sink_to(url, *, secrets=(), **options):
    return sink_for(sink_spec(url, secrets=secrets, **{"allow_private": True, **options}))


@pytest.fixture
def sink(subscriber):
    sink = sink_to(subscriber.url + "/hooks/calls")
    yield sink
    sink.close()


# Where nothing is sent


PRIVATE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "[::1]", "0.0.0.0", "[::]",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
    "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_refused_however_it_is_written(subscriber, host):
    sink = sink_for(sink_spec(f"http://{host}:{subscriber.port}/hooks"))
    with pytest.raises(TemporaryFailure, match="private address: allow_private=true"):
        sink.send([record()])
    with pytest.raises(PermanentFailure, match="private address: allow_private=true"):
        sink.check()
    assert subscriber.connections == 0


@pytest.mark.parametrize("value", ["false", "0", "no"])
def test_saying_that_private_addresses_are_not_allowed_is_the_same(subscriber, value):
    with pytest.raises(TemporaryFailure, match="private address"):
        sink_for(sink_spec(f"{subscriber.url}/?allow_private={value}")).send([record()])


@pytest.mark.parametrize(
    ("url", "problem"),
    [("https:///path", "is to be https://host/path"), ("http://host/?allow_private=perhaps", "Not a valid boolean")],
)
def test_what_cannot_be_a_webhook_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))

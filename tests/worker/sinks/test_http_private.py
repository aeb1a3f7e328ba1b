"""Webhook sinks send nothing to addresses that are none of the internet's, unless they are told to."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest
from factories import make_settings
from sink_contract import record, sink_spec
from stubs import StubServer, answer, last

from worker.errors import LegworkError, PermanentFailure, TemporaryFailure
from worker.sinks import BadSink, open_sinks, sink_for
from worker.sinks.egress import is_public
from worker.sinks.http_session import new_session


@pytest.fixture
def subscriber():
    with StubServer(answer()) as server:
        yield server


@pytest.fixture(autouse=True)
def resolver(monkeypatch):
    """The internet's names: what each is asked for gives its next answers, the last ones for ever. There are no others.

    Addresses are read by the system, in all the ways in which it reads them.
    """
    read, asked = socket.getaddrinfo, []
    names = {name: [["127.0.0.1"]] for name in ("localhost", "localhost.", "127.0.0.1.")}

    def resolve(host, port, **kwargs):
        asked.append(host)
        answers = names.get(host, [[host]])
        chosen = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for one in chosen for entry in read(one, port, **kwargs, flags=socket.AI_NUMERICHOST)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    resolve.names, resolve.asked = names, asked
    return resolve


def refusal_of(url, **options):
    sink = sink_for(sink_spec(url, **options))
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    sink.close()
    return str(caught.value)


# What is private


FORBIDDEN = [
    # loopback: decimal, octal, hex, short, padded, in other digits, and with what stands around it
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7F.0.0.1", "0x7f.1",
    "0177.0.0.1", "017700000001", "0177.0x0.1", "127.000.000.001",
    "127%2e0%2e0%2e1", "%31%32%37.0.0.1",
    "user:password@127.0.0.1", "8.8.8.8@127.0.0.1", "8.8.8.8%40127.0.0.1@127.0.0.1",
    "localhost", "localhost.", "LOCALHOST", "loc%61lhost",
    # unspecified, which is loopback too
    "0", "0.0.0.0", "00", "0x0", "[::]", "0.1.2.3",
    # private, carrier-grade NAT, link-local, metadata, benchmarks, documentation, reserved, multicast
    "10.0.0.1", "167772161", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0xc0a80101",
    "100.64.0.1", "100.127.255.255", "100.100.100.200",
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "192.0.0.192", "168.63.129.16",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    # the same in IPv6: loopback, mapped, compatible, translated, NAT64, 6to4, Teredo
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:FFFF:7F00:0001]",
    "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1::808:808]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:7f00:1::]", "[2001:0:4136:e378:8000:63bf:f5ff:fffe]",
    # and its own: link-local, site-local, unique local, multicast, discard, documentation, segment routing, ORCHID
    "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[ff0e::1]", "[100::1]",
    "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[2001:20::1]", "[4000::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", FORBIDDEN)
def test_a_private_address_is_refused_however_it_is_written(subscriber, host):
    url = f"http://{host}:{subscriber.port}/hooks"
    told = "is a private address: allow_private=true or allow_networks="
    assert told in refusal_of(url)
    sink = sink_for(sink_spec(url))
    with pytest.raises(PermanentFailure, match="is a private address"):
        sink.check()
    assert sink.exchange(record()).status is None
    sink.close()
    assert subscriber.connections == 0


NO_HOST = [
    "127.0.0.1%00", "127.0.0.1%0a", "127.0.0.1%2f", "127.0.0.1%20", "[::1", "[127.0.0.1]", "[::1]x", "1.2.3.4.5", "256.0.0.1",
    "127..0.1", ".127.0.0.1", "0x7g.0.0.1", "0x", "127.0.0.1..", "[fe80::1%25no-such-card]", "4294967296",
    # digits and dots of other scripts, which some libraries take for ours
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127\u30020\u30020\u30021",
    "\uff4cocalhost", "\u0661\u0662\u0667.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", NO_HOST)
def test_what_is_no_host_at_all_leads_nowhere_even_if_all_is_allowed(subscriber, host):
    with pytest.raises(LegworkError):
        sink_for(sink_spec(f"http://{host}:{subscriber.port}/hooks", allow_private=True)).send([record()])
    assert subscriber.connections == 0


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "1.1.1.1", "100.63.255.255", "172.32.0.1", "192.169.0.1", "223.255.255.255",
                "2606:4700:4700::1111", "2a00:1450:4001::1", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"],
)  # fmt: skip
def test_an_address_of_the_internet_is_public(address):
    assert is_public(ip_address(address))


def test_a_public_address_in_the_url_is_connected_to(monkeypatch):
    called = []

    def connect(_socket, address):
        called.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert refusal_of("http://93.184.216.34:8080/hooks") == "no answer: Connection refused"
    assert called == [("93.184.216.34", 8080)]


# Names


@pytest.mark.parametrize("private", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize(
    "name", ["crm.example.com", "127.0.0.1.nip.io", "metadata.google.internal", "me.localhost", "crm.example.com."]
)
def test_a_name_with_a_private_address_is_refused(subscriber, resolver, name, private):
    resolver.names[name] = [[private]]
    reason = refusal_of(f"http://{name}:{subscriber.port}/")
    assert reason.startswith(
        f"{name.rstrip('.')}, {ip_address(private)}, is a private address: allow_private=true or allow_networks="
    )
    assert subscriber.connections == 0


@pytest.mark.parametrize("answers", [["127.0.0.1", "93.184.216.34"], ["93.184.216.34", "127.0.0.1"],
                                     ["2606:4700:4700::1111", "93.184.216.34", "127.0.0.1"]])  # fmt: skip
def test_a_name_with_one_private_address_among_public_ones_is_refused(subscriber, resolver, monkeypatch, answers):
    resolver.names["crm.example.com"] = [answers]
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("nothing is to be connected to"))
    reason = refusal_of(f"http://crm.example.com:{subscriber.port}/")
    assert reason == (
        "crm.example.com, 127.0.0.1, is a private address: allow_private=true or allow_networks=127.0.0.1 lets it through"
    )


def test_what_was_checked_is_what_is_connected_to_whatever_the_resolver_says_next(subscriber, resolver):
    """DNS rebinding: a name that is harmless while it is looked at, and another machine's when it is used."""
    with socket.create_server(("127.0.0.2", subscriber.port)) as inside:
        inside.setblocking(False)
        resolver.names["crm.example.com"] = [["127.0.0.1"], ["127.0.0.2"]]
        sink = sink_for(sink_spec(f"http://crm.example.com:{subscriber.port}/", allow_networks="127.0.0.1"))
        assert sink.send([record()]) == "200"
        assert resolver.asked == ["crm.example.com"]
        assert sink.send([record()]) == "200", "by the connection that is there"
        sink.close()
        assert subscriber.connections == 1
        assert subscriber.seen[0].headers["Host"] == f"crm.example.com:{subscriber.port}"
        with pytest.raises(BlockingIOError):
            inside.accept()


def test_each_new_connection_is_checked_anew(subscriber, resolver):
    resolver.names["crm.example.com"] = [["127.0.0.1"], ["127.0.0.2"]]
    subscriber.always(last(answer(Connection="close")))
    sink = sink_for(sink_spec(f"http://crm.example.com:{subscriber.port}/", allow_networks="127.0.0.1"))
    assert sink.send([record()]) == "200"
    with pytest.raises(TemporaryFailure, match=r"crm.example.com, 127\.0\.0\.2, is a private address"):
        sink.send([record()])
    sink.close()
    assert subscriber.connections == 1


def test_an_address_that_refuses_leaves_the_others(subscriber, resolver):
    resolver.names["crm.example.com"] = [["127.0.0.2", "127.0.0.1"]]
    sink = sink_for(sink_spec(f"http://crm.example.com:{subscriber.port}/", allow_private=True))
    assert sink.send([record()]) == "200"
    sink.close()


def test_an_address_that_does_not_answer_leaves_the_others_their_share_of_the_time(subscriber, resolver):
    with socket.create_server(("127.0.0.2", subscriber.port), backlog=0) as silent:
        waiting = [socket.socket() for _ in range(4)]  # more than it keeps: whoever comes now gets no answer
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        resolver.names["crm.example.com"] = [["127.0.0.2", "127.0.0.1"]]
        session = new_session({"ca_file": None, "allow_private": True})
        # Two seconds are its share. Had it all four, there would be none left to ask the other.
        assert session.post(f"http://crm.example.com:{subscriber.port}/", timeout=4.0).status_code == 200
        session.close()
        for one in waiting:
            one.close()


# What lets them through


@pytest.mark.parametrize("networks", ["127.0.0.1", "127.0.0.0/8", "10.0.0.0/8,127.0.0.1,fd00::/8"])
def test_a_network_is_let_through_by_its_name(subscriber, networks):
    for sink in (
        sink_for(sink_spec(f"{subscriber.url}/?allow_networks={networks}")),
        sink_for(sink_spec(subscriber.url, allow_networks=networks.split(","))),
    ):
        assert sink.send([record()]) == "200"
        assert sink.check()
        sink.close()
    assert subscriber.targets[0] == "/", "and the option is not sent along"


@pytest.mark.parametrize("host", ["[::ffff:127.0.0.1]", "2130706433", "localhost"])
def test_a_network_is_let_through_however_an_address_in_it_is_written(subscriber, host):
    sink = sink_for(sink_spec(f"http://{host}:{subscriber.port}/", allow_networks="127.0.0.0/8"))
    assert sink.send([record()]) == "200"
    sink.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "169.254.169.254", "10.1.0.1", "[::ffff:10.1.0.1]", "[::ffff:127.0.0.1]"]
)
def test_and_no_other_network(subscriber, host):
    url = f"http://{host}:{subscriber.port}/"
    assert "is a private address" in refusal_of(url, allow_networks=["10.0.0.0/16", "fd00::/8", "192.168.0.0/16"])
    assert subscriber.connections == 0


def test_the_failure_says_what_would_let_it_through_and_that_is_true(subscriber):
    reason = refusal_of(f"http://[::ffff:127.0.0.1]:{subscriber.port}/")
    option = reason.partition("allow_networks=")[2].partition(" ")[0]
    sink = sink_for(sink_spec(f"http://[::ffff:127.0.0.1]:{subscriber.port}/?allow_networks={option}"))
    assert sink.send([record()]) == "200"
    sink.close()


@pytest.mark.parametrize("value", ["false", "0", "no"])
def test_saying_that_private_addresses_are_not_allowed_is_the_same(subscriber, value):
    assert "is a private address" in refusal_of(f"{subscriber.url}/?allow_private={value}")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://host/?allow_private=perhaps", "Not a valid boolean"),
        (
            "http://host/?allow_networks=crm",
            "allow_networks: holds a value that is not a network; give networks such as",
        ),
        ("http://host/?allow_networks=10.0.0.1/8", "that network is 10.0.0.0/8; give networks such as"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))


# Ways around


PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


def test_a_proxy_of_the_environment_is_no_way_around(subscriber, monkeypatch):
    with StubServer(answer()) as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for url in (f"http://169.254.169.254:{subscriber.port}/", f"https://10.0.0.1:{subscriber.port}/"):
            assert "is a private address" in refusal_of(url)
        sink = sink_for(sink_spec(subscriber.url, allow_private=True))
        assert sink.send([record()]) == "200"
        sink.close()
        assert proxy.connections == 0
    assert subscriber.connections == 1


def test_passwords_of_the_machines_owner_are_not_sent_along(subscriber, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login root password very-secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    sink = sink_for(sink_spec(subscriber.url, allow_private=True))
    sink.send([record()])
    sink.close()
    assert "Authorization" not in subscriber.seen[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_way_around(subscriber, status):
    with StubServer(answer()) as inside:
        subscriber.always(answer(status=status, Location=f"http://127.0.0.1:{inside.port}/"))
        assert refusal_of(subscriber.url, allow_networks="127.0.0.1") == f"{status}: redirects are not followed"
        assert inside.connections == 0

"""Where the door listens, and what is said where it cannot."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
import requests
from factories import TOKEN
from processes import WEB, Process, until

from schemas.addresses import seen_from_here
from schemas.settings import SettingsError
from webhook.serving.listening import ALL, ALL_OF_IPV4, address_of, new_socket, refuse_port_in_use
from worker.process.embedded_redis import free_port


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


@needs_ipv6
def test_on_all_addresses_of_both_families_unless_told_otherwise():
    assert address_of(None) == ALL
    with closing(new_socket(ALL)) as listening:
        listening.bind((ALL, 0))
        listening.listen(2)
        port = listening.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=5).close()


def test_on_the_one_that_is_named():
    assert [address_of(host) for host in ("127.0.0.1", "::1", ALL_OF_IPV4)] == ["127.0.0.1", "::1", ALL_OF_IPV4]


@pytest.mark.parametrize("taken", ["127.0.0.1", ALL_OF_IPV4, pytest.param("::1", marks=needs_ipv6)])
def test_a_port_that_is_taken_in_either_family_is_told(taken):
    with closing(new_socket(taken)) as other:
        other.bind((taken, 0))
        other.listen(1)
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"PORT: {port} is in use by another program; set PORT to a free port"):
            refuse_port_in_use(None, port)


def test_a_port_that_is_taken_elsewhere_is_free_here():
    with closing(new_socket("127.0.0.1")) as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        refuse_port_in_use("127.0.0.2", other.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", pytest.param("2001:db8::7", marks=needs_ipv6)])
def test_an_address_of_another_machine_is_told_by_the_name_of_its_setting(host):
    with pytest.raises(SettingsError, match=f"HOST: {host} is no address of this machine; set one that is"):
        refuse_port_in_use(host, free_port())


@pytest.mark.parametrize(
    ("host", "written"),
    [
        (None, "localhost"),
        ("::", "localhost"),
        ("0.0.0.0", "localhost"),
        ("127.0.0.1", "localhost"),
        ("::1", "[::1]"),
        ("10.0.0.7", "10.0.0.7"),
        ("2001:db8::7", "[2001:db8::7]"),
    ],
)
def test_a_url_leads_there_from_this_machine(host, written):
    assert seen_from_here(host) == written


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "answering"),
    [
        (None, {"127.0.0.1", "[::1]"}),
        ("::", {"127.0.0.1", "[::1]"}),
        ("::1", {"[::1]"}),
        ("127.0.0.1", {"127.0.0.1"}),
        ("0.0.0.0", {"127.0.0.1"}),
    ],
)
@needs_ipv6
def test_the_door_answers_there_and_nowhere_else_and_loopback_is_loopback(tmp_path, redis_url, host, answering):
    """It listened on 0.0.0.0 always: on a cluster of IPv6 no probe ever succeeded."""
    port = free_port()
    named = {} if host is None else {"host": host}
    web = Process(
        WEB, tmp_path, redis_url=redis_url, sinks="stdout:", port=port, callback_allow="127.0.0.0/8 ::1", **named
    )

    def asks(at, path):
        try:
            return requests.get(f"http://{at}:{port}{path}", timeout=5).status_code
        except requests.ConnectionError:
            return None

    try:
        until(lambda: not web.runs or any(asks(at, "/livez") for at in answering))
        assert {at for at in ("127.0.0.1", "[::1]") if asks(at, "/livez") == 200} == answering
        for at in answering:
            assert asks(at, f"/callbacks/{TOKEN}/passthru?CallSid=call00001") == 200, "by CALLBACK_ALLOW, as IPv4"
            assert asks(at, "/api/status") == 200, "whoever sits here is let in"
        (told,) = web.logged("web.starting")
        assert told["address"] == (host or ALL)
    finally:
        web.stop()

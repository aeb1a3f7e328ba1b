"""IP addresses in all the ways in which servers, proxies and people write them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.addresses import is_loopback, read_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[192.0.2.1]:4711", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:cb00:7107", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:4711", "203.0.113.7"),
        ("::ffff:203.0.113.7%eth0", "203.0.113.7"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::203.0.113.7", "::cb00:7107"),  # something else, and long deprecated
        *(
            (odd, None)
            for odd in ("", "unknown", "_hidden", "[::1", "::1]", "[::1]x", "[::1]:x", "1.2.3.4:", "1.2.3", "unix:")
        ),
    ],
)
def test_an_address_is_read_without_port_and_zone_and_ipv4_is_ipv4(text, address):
    assert read_address(text) == (address and ip_address(address))


@pytest.mark.parametrize(
    ("text", "is_here"),
    [
        *((here, True) for here in ("127.0.0.1", "127.8.9.1", "::1", "[::1]:80", "::ffff:127.0.0.1", "::ffff:7f00:1")),
        *((elsewhere, False) for elsewhere in ("10.0.0.1", "::2", "::ffff:10.0.0.1", "::", "localhost", "")),
    ],
)
def test_loopback_is_loopback_in_either_family(text, is_here):
    assert is_loopback(text) is is_here


@given(st.ip_addresses(v=4), st.integers(0, 65535))
def test_every_ipv4_address_is_itself_in_any_clothes(address, port):
    for text in (
        f"{address}",
        f"{address}:{port}",
        f"::ffff:{address}",
        f"[::ffff:{address}]",
        f"[::ffff:{address}]:{port}",
    ):
        assert read_address(text) == address


@given(st.text(max_size=40))
def test_no_text_is_too_odd(text):
    read_address(text)

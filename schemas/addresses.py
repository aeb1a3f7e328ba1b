"""IP addresses as they are written: with a port, in brackets, with a zone, and IPv4 in the clothes of IPv6."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

# 192.0.2.1:4711; [2001:db8::1]:4711. Without brackets nobody could tell a port of IPv6.
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a text is, without port and zone; None for anything else.

    `::ffff:192.0.2.1` is 192.0.2.1: so does a socket that listens on both families show who came by IPv4 (RFC 4291, 2.5.5.2).
    """
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["six"] or found["four"]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return as_ipv4(address)


def as_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that `::ffff:192.0.2.1` stands for; any other address as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_loopback(text: str) -> bool:
    """Is this an address of this machine, in either family?"""
    address = read_address(text)
    return address is not None and address.is_loopback

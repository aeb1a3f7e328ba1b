"""Parse IP addresses in text: with a port, in brackets, with a zone, and IPv4 mapped into IPv6."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

# 192.0.2.1:4711; [2001:db8::1]:4711. Without brackets, the port of an IPv6 address would be ambiguous.
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<four>[0-9.]+))(?::[0-9]{1,5})?")


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in a text, without port and zone; None if the text is not an address.

    `::ffff:192.0.2.1` is 192.0.2.1: a socket that listens on both families shows IPv4 clients this way (RFC 4291, 2.5.5.2).
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
    """Return whether a text is a loopback address, of IPv4 or IPv6."""
    address = read_address(text)
    return address is not None and address.is_loopback


def seen_from_here(host: str | None, *, name: str = "localhost") -> str:
    """Return the host for a URL that reaches web from this machine; `name` stands for all addresses and for 127.0.0.1."""
    if host is None or host in {"::", "0.0.0.0", "127.0.0.1"}:  # noqa: S104  it is only named
        return name
    address = ip_address(host)
    return f"[{host}]" if address.version == 6 else host  # noqa: PLR2004  the family's number

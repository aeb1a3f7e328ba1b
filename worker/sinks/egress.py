"""Connect only to public addresses and to private networks that a sink allows, so that subscribers' URLs reach no others.

requests-hardened lists the networks, but the connection is made here: it checks only the first of the resolver's answers,
resolves the name again for each request, and has no option that allows single networks.
"""

from __future__ import annotations

import socket
import time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from schemas.addresses import as_ipv4
from worker.errors import TemporaryFailure
from worker.http.client import BoundedAdapter, Plain, Tls

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

EVERYWHERE: Networks = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
# All public IPv6 addresses allocated so far (RFC 4291, 2.4); the private ones among them are listed.
_PUBLIC_IPV6 = IPv6Network("2000::/3")
# Hosts that have only IPv6 reach all of IPv4 through these (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# Azure's host service for virtual machines, although the address looks public.
_AZURE = ip_network("168.63.129.16/32")
# Seconds, for a connection without a time-out.
_USUAL_SECONDS = 15.0


class PrivateAddress(TemporaryFailure):
    """Raised if a host is, or may be, in a private network. Nothing was sent.

    The message names the options of the settings; `place` and `network` are for those who set them elsewhere.
    """

    def __init__(self, place: str, network: str) -> None:
        super().__init__(
            f"{place} is a private address: allow_private=true or allow_networks={network} lets it through"
        )
        self.place, self.network = place, network


class EgressAdapter(BoundedAdapter):
    """Sends HTTP to public and `allowed` addresses only: it connects to the very address that was checked."""

    def __init__(self, allowed: Networks) -> None:
        class CheckedPlain(Plain):
            def _new_conn(self) -> socket.socket:
                return _connect(self, self._dns_host, allowed)

        class CheckedTls(Tls):
            def _new_conn(self) -> socket.socket:
                return _connect(self, self._dns_host, allowed)

        self.plain, self.tls = CheckedPlain, CheckedTls
        super().__init__()


def is_public(address: Address) -> bool:
    """Return whether an address is a public one that does not lead to a private one."""
    address = _carried(address)
    if isinstance(address, IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    listed = any(address in network for network in (*EXTRA_BLOCKED_NET_RANGES, _AZURE))
    return address.is_global and not address.is_multicast and not listed


def _carried(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 one, or the address itself."""
    if isinstance(address, IPv6Address) and address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return as_ipv4(address)


def _connect(connection: HTTPConnection, host: str, allowed: Networks) -> socket.socket:
    """Return a socket to the first address of the host that answers. Raises PrivateAddress, or as urllib3 does."""
    seconds = connection.timeout or _USUAL_SECONDS
    try:
        answers = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    _check(connection.host, [ip_address(answer[4][0]) for answer in answers], allowed)
    until, failure = time.monotonic() + seconds, OSError("no address")
    for tried, answer in enumerate(answers):
        # An address that does not answer leaves time for the others.
        share = (until - time.monotonic()) / (len(answers) - tried)
        try:
            return _connected(answer, connection, max(share, 0.001), seconds)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"{connection.host} did not take the connection in time") from failure
    raise NewConnectionError(connection, f"no connection: {failure}") from failure


def _check(host: str, addresses: list[Address], allowed: Networks) -> None:
    """Raise PrivateAddress if any of the addresses is private: a name with both kinds is suspicious."""
    for address in addresses:
        inside = any(one in network for one in (address, _carried(address)) for network in allowed)
        if not inside and not is_public(address):
            where = host if host == str(address) else f"{host}, {address},"
            raise PrivateAddress(where, str(_carried(address)).partition("%")[0])


def _connected(answer: Any, connection: HTTPConnection, share: float, seconds: float) -> socket.socket:
    family, kind, protocol, _, address = answer
    opened = socket.socket(family, kind, protocol)
    try:
        for option in connection.socket_options or ():
            opened.setsockopt(*option)
        opened.settimeout(share)
        opened.connect(address)
        opened.settimeout(seconds)
    except BaseException:
        opened.close()
        raise
    return opened

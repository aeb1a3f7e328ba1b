"""Where web listens: on one address (HOST), or on all addresses, including IPv6 where the host has it."""

from __future__ import annotations

import errno
import socket

from schemas.settings import SettingsError

#: All addresses of both families (with IPV6_V6ONLY off), and all IPv4 addresses.
ALL, ALL_OF_IPV4 = "::", "0.0.0.0"  # noqa: S104  web is meant to be reached


def address_of(host: str | None) -> str:
    """Return the address to listen on; `host` is HOST, None where it is not set."""
    if host is not None:
        return host
    try:
        with new_socket(ALL) as probe:
            probe.bind((ALL, 0))
    except OSError:  # a kernel without IPv6
        return ALL_OF_IPV4
    return ALL


def new_socket(address: str) -> socket.socket:
    """Return an unbound TCP socket for an address. One for `::` accepts IPv4 too, whatever the system's default is.

    Raises OSError.
    """
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        if address == ALL:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        made.close()
        raise
    return made


def try_port(port: int, address: str) -> None:
    """Listen on a port for a moment. Raises OSError."""
    with new_socket(address) as probe:
        probe.bind((address, port))
        probe.listen(1)


def refuse_port_in_use(host: str | None, port: int) -> None:
    """Raise SettingsError if web could not listen there."""
    address = address_of(host)
    try:
        try_port(port, address)
    except OSError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENODEV}:
            problem = f"HOST: {host} is no address of this machine; set one that is, or unset it to listen on all"
        elif error.errno == errno.EADDRINUSE:
            problem = f"PORT: {port} is in use by another program; set PORT to a free port"
        else:
            problem = f"PORT: {port} cannot be listened on ({error.strerror}); set PORT to a free port"
        raise SettingsError([problem]) from error

"""How many connections the server holds, and what it does about silent peers.

Each phase of a connection has a deadline: granian's 30 s for headers and for the wait for the next request, BODY_SECONDS
for a body (bodies.py), and SILENT_SECONDS, set in the kernel, for an answer that is not read.
"""

from __future__ import annotations

import resource
import socket

from webhook.serving.listening import new_socket

# Per process. An open connection costs some 20 kB and no thread. Beyond the limit, new ones wait in the kernel's queue.
MOST_CONNECTIONS = 8192
# For Redis, logs, and other files of a process.
_OTHER_DESCRIPTORS = 256
# How long sent bytes may stay unacknowledged, or the peer's window full, before the kernel drops the connection.
SILENT_SECONDS = 30
# Longer headers are a 431. Half-sent headers are what fills the memory; granian's default is 417 kB.
MAX_HEADER_BYTES = 80 * 1024
_LINUX_ONLY = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": SILENT_SECONDS * 1000}


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """Return a listening socket whose connections notice vanished peers. Raises OSError.

    On Linux, accepted connections inherit the listening socket's options (tcp(7)). Elsewhere the system's defaults apply:
    a silent peer is probed only after hours, and an unread answer is dropped whenever the system drops it.
    """
    listening = new_socket(host)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Answers are written whole, so there is nothing to gain by delaying packets.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _LINUX_ONLY.items():
        if (option := getattr(socket, name, None)) is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
    listening.bind((host, port))
    listening.listen(backlog)
    listening.set_inheritable(True)
    return listening


def raise_descriptor_limit() -> int:
    """Raise the limit of file descriptors as far as allowed, and return how many connections a process can hold.

    A process without free descriptors would spin in its accept loop. The soft limit is 1024 nearly everywhere, for the sake
    of select(2), which nothing here uses; child processes inherit the raised limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft - _OTHER_DESCRIPTORS))

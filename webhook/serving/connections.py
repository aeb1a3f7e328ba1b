"""How many connections the server holds, and what it does about peers that say nothing.

Each phase of a connection ends by itself: headers and the wait for the next request after granian's 30 s, bodies after
BODY_SECONDS (bodies.py), and an answer that its reader does not read after SILENT_SECONDS, by the kernel.
"""

from __future__ import annotations

import resource
import socket

from webhook.serving.listening import new_socket

# A process, at most. Held ones cost some 20 kB each, and no thread. Beyond them new ones wait in the kernel's queue.
MOST_CONNECTIONS = 8192
# For Redis, logs, and what a process opens for itself.
_OTHER_DESCRIPTORS = 256
# So long may bytes be on their way, or a full window stay full, without a word of the peer. Then the kernel hangs up.
SILENT_SECONDS = 30
# What headers may take. Longer ones are a 431; held half-sent, they are what fills the memory. Granian would take 417 kB.
MAX_HEADER_BYTES = 80 * 1024
_LINUX_ONLY = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": SILENT_SECONDS * 1000}


def listen(host: str, port: int, backlog: int) -> socket.socket:
    """Return a socket that listens, and whose connections notice peers that vanished. Raises OSError.

    On Linux, accepted connections have the options of the socket that listens (tcp(7)). Elsewhere a silent peer is asked as
    the system does by default, after hours, and an answer is given up when it gives it up.
    """
    listening = new_socket(host)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # An answer is written at once: nothing is gained by waiting for more of it.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _LINUX_ONLY.items():
        if (option := getattr(socket, name, None)) is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)
    listening.bind((host, port))
    listening.listen(backlog)
    listening.set_inheritable(True)
    return listening


def make_room() -> int:
    """Raise the limit of descriptors as far as may be, and return how many connections a process can hold.

    One that ran out of descriptors would go round in its accept loop without end. The soft limit is 1024 nearly everywhere,
    for the sake of select(2), which nothing here uses; processes that are started from here have the limit too.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft - _OTHER_DESCRIPTORS))

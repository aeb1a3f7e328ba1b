"""Suggest what to do about an error from Redis."""

from __future__ import annotations

import redis

#: Names the heading in docs/operations.md that lists the rights a Redis user needs.
RIGHTS = 'give this user the rights that docs/operations.md names under "A Redis user for Legwork"'

_CLUSTER = "it is in cluster mode, which is not supported: name one that is set to cluster-enabled no"
# The prefixes of errors (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors) for which redis-py has
# no class; the text may come after "Command # 1 (...) of pipeline caused error: ".
_BY_CODE = {
    "MISCONF": "it cannot write to its disk, so it accepts no writes: free disk space or fix its directory; its log says why",
    "DENIED": "it is in protected mode: give it a password and put that into REDIS_URL",
    "NOREPLICAS": "too few of its replicas are connected: bring them back, or lower min-replicas-to-write",
    "BUSY": "another program's script does not end: stop it with SCRIPT KILL",
    "unknown command": "it does not have the command, or not under this name: undo its rename-command",
    "WRONGTYPE": "another program stores data under lw: in this database: name another in REDIS_URL",
    "DB index is out of range": "name a database in REDIS_URL that exists",
    "max number of clients": "raise its maxclients, or close other connections",
    "cluster support": _CLUSTER,
}
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (redis.exceptions.NoPermissionError, RIGHTS),
    (redis.OutOfMemoryError, "raise its maxmemory"),
    (redis.ReadOnlyError, "it is a replica: name the primary in REDIS_URL"),
    (redis.exceptions.MasterDownError, "it is a replica, and its primary is down: name the primary in REDIS_URL"),
    (redis.exceptions.MovedError, _CLUSTER),
    (redis.exceptions.ClusterDownError, _CLUSTER),
    (redis.exceptions.ClusterCrossSlotError, _CLUSTER),
    (redis.BusyLoadingError, "it is loading its data; wait until it is ready"),
    (redis.AuthenticationError, "correct the user and the password in REDIS_URL"),
    (redis.exceptions.AuthorizationError, RIGHTS),
    (redis.InvalidResponse, "the server there is not Redis: correct REDIS_URL, rediss:// if it speaks TLS"),
    (redis.ConnectionError, "start it, or correct REDIS_URL"),
    (redis.TimeoutError, "it is too slow or unreachable: check its load and the network, or correct REDIS_URL"),
)


def what_to_do(error: redis.RedisError) -> str:
    """Return what to do about an error, as an instruction."""
    text = str(error)
    for code, remedy in _BY_CODE.items():
        if code in text:
            return remedy
    return next((remedy for kind, remedy in _BY_CLASS if isinstance(error, kind)), "correct what it says")

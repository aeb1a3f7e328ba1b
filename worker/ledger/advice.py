"""What to do about an error of Redis: each cause has its own remedy, and a server that refuses need not be started."""

from __future__ import annotations

import redis

#: The heading in docs/operations.md that says what a user may need.
RIGHTS = 'give this user the rights that docs/operations.md names under "A Redis user for Legwork"'

_CLUSTER = "it is in cluster mode, which is not supported: name one that is set to cluster-enabled no"
# What an error begins with (https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors), where redis-py has
# no class for it; the text may stand behind "Command # 1 (...) of pipeline caused error: ".
_BY_CODE = {
    "MISCONF": "it cannot write to its disk, so it takes no writes: free space there or mend the folder; its log says why",
    "DENIED": "it is in protected mode: give it a password and put that into REDIS_URL",
    "NOREPLICAS": "too few of its replicas are there: bring them back, or lower min-replicas-to-write",
    "BUSY": "a script of somebody else's runs and runs: end it with SCRIPT KILL",
    "unknown command": "it does not have the command, or not under this name: undo its rename-command",
    "WRONGTYPE": "somebody else keeps his data under lw: in this database: name another in REDIS_URL",
    "DB index is out of range": "name a database in REDIS_URL that it has",
    "max number of clients": "raise its maxclients, or close what else is connected",
    "cluster support": _CLUSTER,
}
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (redis.exceptions.NoPermissionError, RIGHTS),
    (redis.OutOfMemoryError, "raise its maxmemory"),
    (redis.ReadOnlyError, "it is a replica: name the primary in REDIS_URL"),
    (redis.exceptions.MasterDownError, "it is a replica, and its primary is away: name the primary in REDIS_URL"),
    (redis.exceptions.MovedError, _CLUSTER),
    (redis.exceptions.ClusterDownError, _CLUSTER),
    (redis.exceptions.ClusterCrossSlotError, _CLUSTER),
    (redis.BusyLoadingError, "it reads its data, and is ready when it has"),
    (redis.AuthenticationError, "correct the user and the password in REDIS_URL"),
    (redis.exceptions.AuthorizationError, RIGHTS),
    (redis.InvalidResponse, "what answers there is no Redis: correct REDIS_URL, rediss:// if it speaks TLS"),
    (redis.ConnectionError, "start it, or correct REDIS_URL"),
    (redis.TimeoutError, "it is too slow or out of reach: look at its load and at the network, or correct REDIS_URL"),
)


def what_to_do(error: redis.RedisError) -> str:
    """Return what would be right, as an order."""
    text = str(error)
    for code, remedy in _BY_CODE.items():
        if code in text:
            return remedy
    return next((remedy for kind, remedy in _BY_CLASS if isinstance(error, kind)), "correct what it says")

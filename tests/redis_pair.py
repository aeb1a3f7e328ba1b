"""Two Redis servers, of which one follows the other, and a name that leads to the primary."""

from __future__ import annotations

import redis
from processes import until
from relay import Relay

from worker.process import embedded_redis

PASSWORD = "password"


class Pair:
    """A primary, its replica, and a name that leads to whichever is the primary."""

    def __init__(self, folder):
        replicating = f"masterauth {PASSWORD}\nrepl-diskless-sync-delay 0\n"
        self._servers = [
            embedded_redis.start(folder / name, password=PASSWORD, settings=f'appendonly no\nsave ""\n{replicating}')
            for name in ("one", "two")
        ]
        self._ports = [int(server.url.rpartition(":")[2].partition("/")[0]) for server in self._servers]
        self.clients = [redis.Redis(port=port, password=PASSWORD) for port in self._ports]
        self._follow(1, 0)
        self.relay = Relay("127.0.0.1", self._ports[0])
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.relay.port}/0"

    def fail_over(self):
        """Make the replica the primary, and the primary a replica; the name leads to the new one."""
        until(lambda: self._offset(1) == self._offset(0))
        self.clients[1].replicaof("NO", "ONE")
        self._follow(0, 1)
        self.relay.lead_to("127.0.0.1", self._ports[1])

    def _offset(self, number):
        """How much of what was written a server has."""
        said = self.clients[number].info("replication")
        return said.get("slave_repl_offset", said["master_repl_offset"])

    def close(self):
        self.relay.__exit__()
        for each in (*self.clients, *self._servers):
            (each.close if isinstance(each, redis.Redis) else each.stop)()

    def _follow(self, follower, leader):
        self.clients[follower].replicaof("127.0.0.1", self._ports[leader])
        until(lambda: self.clients[follower].info("replication")["master_link_status"] == "up")

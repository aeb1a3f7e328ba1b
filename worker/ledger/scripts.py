"""Load and run the Lua scripts by name; each file is one operation."""

from __future__ import annotations

import time
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from worker.connections import ScriptPreload
from worker.ledger.keys import LEDGER, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis
    from redis.commands.core import Script

# Seconds between checks that the server knows a script. redis-py checks before each pipeline, which costs as much as running
# it. After a restart a new connection loads the scripts (see ScriptPreload). After SCRIPT FLUSH they fail until the next check;
# what was leased meanwhile is due again after its lease.
LOOK_AGAIN_SECONDS = 1.0

# Types of a script's arguments, which redis-py can encode.
Argument = str | bytes | int | float


@cache
def source(name: str) -> str:
    """Return a script's text, `backlog/lease` for instance, with its preludes prepended."""
    lua = files(__package__) / "lua"
    folder, _, _ = name.partition("/")
    parts = (lua / "prelude.lua", lua / folder / "prelude.lua", lua / f"{name}.lua")
    return "\n".join((f"local SCHEMA = '{SCHEMA}'", *(part.read_text(encoding="utf-8") for part in parts)))


class Scripts:
    """The scripts, bound to a Redis: `scripts.run("bucket/take", keys, args)`.

    Each runs by its hash (EVALSHA) and is loaded again if a server has forgotten it.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._scripts: dict[str, Script] = {}
        self._looked: dict[str, float] = {}

    def run(
        self,
        name: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        pipeline: redis.client.Pipeline | None = None,
    ) -> Any:
        """Run a script at once and return its reply, or queue it on a pipeline.

        Raises redis.RedisError if the server is unreachable or refuses the write.
        """
        if name.startswith("backlog/"):
            # Its prelude takes it out again: what was begun in this ledger is not written into another's.
            keys = [*keys, LEDGER]
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts.setdefault(name, self._client.register_script(source(name)))
        if pipeline is None:
            return script(keys=list(keys), args=list(args))
        self._see_to(name, script)
        return pipeline.evalsha(script.sha, len(keys), *keys, *args)

    def _see_to(self, name: str, script: Script) -> None:
        """Load a script if the server does not know it, checking at intervals."""
        now = time.monotonic()
        if now - self._looked.get(name, float("-inf")) > LOOK_AGAIN_SECONDS:
            preload = self._client.connection_pool.connection_kwargs.get("redis_connect_func")
            if isinstance(preload, ScriptPreload):
                preload.add(name, source(name))
            if not self._client.script_exists(script.sha)[0]:
                self._client.script_load(source(name))
            self._looked[name] = now

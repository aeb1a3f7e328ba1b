"""The Lua scripts, one file an operation, loaded by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis
    from redis.commands.core import Script

# What a script may be given: redis-py encodes these.
Argument = str | bytes | int | float


@cache
def source(name: str) -> str:
    """Return a script's text, `backlog/lease` for instance, with the preludes that stand before it."""
    lua = files(__package__) / "lua"
    folder, _, _ = name.partition("/")
    parts = (lua / "prelude.lua", lua / folder / "prelude.lua", lua / f"{name}.lua")
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


class Scripts:
    """The scripts, bound to a Redis: `scripts.run("bucket/take", keys, args)`.

    Each runs by its hash (EVALSHA) and is loaded again where a server has forgotten it.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._scripts: dict[str, Script] = {}

    def run(
        self,
        name: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        pipeline: redis.client.Pipeline | None = None,
    ) -> Any:
        """Run a script at once and return its answer, or queue it on a pipeline.

        Raises redis.RedisError when the server is out of reach or refuses the write.
        """
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts.setdefault(name, self._client.register_script(source(name)))
        return script(keys=list(keys), args=list(args), client=pipeline)

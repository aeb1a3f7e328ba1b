"""Read a Redis server's own information, which some users and providers do not allow: it is optional."""

from __future__ import annotations

import re
from typing import Any

import redis

from worker.errors import LedgerUnusable

# The oldest version supported by the scripts; Valkey reports itself as Redis 7.2.
OLDEST_REDIS = (7, 0)
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.IGNORECASE)


def about_server(client: Any, *sections: str) -> dict[str, Any]:
    """Return a server's INFO for these sections; empty if it refuses to answer.

    Raises redis.RedisError if it is unreachable. An error reply is ignored: if it concerns more than INFO, the next command
    gets it too.
    """
    told: dict[str, Any] = {}
    try:
        for section in sections:
            told |= client.info(section)
    except redis.ResponseError:
        return {}
    return told


def greet_server(client: Any) -> dict[str, Any]:
    """Return HELLO's reply under INFO's names; empty if the server refuses that too.

    Redis does not class HELLO as dangerous (https://redis.io/docs/latest/commands/hello/), unlike INFO. Raises
    redis.RedisError if the server is unreachable.
    """
    try:
        answer = client.execute_command("HELLO")
    except redis.ResponseError:
        return {}
    told = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=False))
    said = {_text(name): _text(value) for name, value in told.items()}
    return {
        "redis_version": said.get("version", ""),
        "redis_mode": said.get("mode", ""),
        "role": "slave" if said.get("role") in {"slave", "replica"} else said.get("role", ""),
        "cluster_enabled": int(said.get("mode") == "cluster"),
        **({"valkey_version": said["version"]} if said.get("server") == "valkey" and "version" in said else {}),
    }


def check_version(told: dict[str, Any]) -> None:
    """Raise LedgerUnusable for a server too old for the scripts; an unknown version is accepted."""
    version = str(told.get("redis_version") or "")
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2] or 0)) < OLDEST_REDIS:
        raise LedgerUnusable(f"Redis {version} is too old: Legwork needs Redis 7.0 or later, or any Valkey")


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

"""What a Redis says of itself. Some users may not ask, and some providers do not answer: the ledger goes on without."""

from __future__ import annotations

import re
from typing import Any

import redis

from worker.errors import LedgerUnusable

# The oldest server whose commands the scripts may use; Valkey calls itself Redis 7.2.
OLDEST_REDIS = (7, 0)
_VERSION = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.IGNORECASE)


def about_server(client: Any, *sections: str) -> dict[str, Any]:
    """Return what a server says in these sections of INFO; empty where it does not answer.

    Raises redis.RedisError when it is out of reach. An error that it answers with is no reason to stop: one that concerns
    more than INFO is met again by the next command.
    """
    told: dict[str, Any] = {}
    try:
        for section in sections:
            told |= client.info(section)
    except redis.ResponseError:
        return {}
    return told


def greet_server(client: Any) -> dict[str, Any]:
    """Return what HELLO says, under the names that INFO has for it; empty where that is not answered either.

    HELLO is no dangerous command to Redis (https://redis.io/docs/latest/commands/hello/), as INFO is. Raises
    redis.RedisError when the server is out of reach.
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
    """Raise LedgerUnusable for a server too old for the scripts. One that does not tell is tried."""
    version = str(told.get("redis_version") or "")
    found = _VERSION.match(version)
    if found and (int(found[1]), int(found[2] or 0)) < OLDEST_REDIS:
        raise LedgerUnusable(f"Redis {version} is too old: Legwork needs Redis 7.0 or later, or any Valkey")


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

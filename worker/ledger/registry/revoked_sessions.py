"""Remembers the sessions of the console that were ended before their time, for every web process."""

from __future__ import annotations

from typing import Any

from worker.ledger.keys import SIGNED_OUT


class RevokedSessions:
    """The sessions somebody signed out of, until they would have ended anyway. Raises redis.RedisError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def end(self, session: str, seconds: float) -> None:
        """End a session that would go on for so long."""
        self._client.set(SIGNED_OUT + session, 1, px=max(1, round(seconds * 1000)))

    def has_ended(self, session: str) -> bool:
        """Was it ended?"""
        return bool(self._client.exists(SIGNED_OUT + session))

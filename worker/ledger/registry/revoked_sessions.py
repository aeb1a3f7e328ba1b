"""Store the console's sessions that were signed out before they expired, for every web process."""

from __future__ import annotations

from typing import Any

from worker.ledger.keys import SIGNED_OUT


class RevokedSessions:
    """The sessions that were signed out, until they would have expired. Raises redis.RedisError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def end(self, session: str, seconds: float) -> None:
        """Revoke a session that would expire in `seconds`."""
        self._client.set(SIGNED_OUT + session, 1, px=max(1, round(seconds * 1000)))

    def has_ended(self, session: str) -> bool:
        """Return whether a session was revoked."""
        return bool(self._client.exists(SIGNED_OUT + session))

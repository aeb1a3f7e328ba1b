"""What is noted of an account beside its calls: when Exotel last accepted its key, and the test callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from worker.ledger.keys import of_account

if TYPE_CHECKING:
    import redis


class Noted(NamedTuple):
    """What is noted of an account; times in milliseconds of Redis's clock, None for never."""

    #: When Exotel last accepted its credentials (`settle.lua` writes it, too).
    answered_ms: float | None
    #: How many test callbacks came, and when the last one did.
    tests: int
    tested_ms: float | None
    #: How many calls were received, became final, and how many records were delivered.
    received: int
    settled: int
    delivered: int


class AccountNotes:
    """The notes of one account. Every method raises redis.RedisError if Redis is unreachable."""

    def __init__(self, client: redis.Redis, account_sid: str) -> None:
        self._client: Any = client  # its answers are bytes, which redis-py's types cannot say
        self._totals = of_account(account_sid, "totals")
        self._asking = of_account(account_sid, "asking")

    def read(self) -> Noted:
        """Return what is noted."""
        stored = self._client.hgetall(self._totals)
        delivered = sum(int(number) for name, number in stored.items() if name.startswith(b"delivered:"))
        return Noted(
            answered_ms=_time(stored.get(b"answered_at")),
            tests=int(stored.get(b"tests", 0)),
            tested_ms=_time(stored.get(b"tested_at")),
            received=int(stored.get(b"received", 0)),
            settled=int(stored.get(b"settled", 0)),
            delivered=delivered,
        )

    def note_answer(self) -> None:
        """Note that Exotel has just accepted the account's credentials."""
        self._client.hset(self._totals, "answered_at", f"{self._now_ms():.3f}")

    def note_test(self) -> None:
        """Count a test callback."""
        pipeline = self._client.pipeline()
        pipeline.hincrby(self._totals, "tests", 1)
        pipeline.hset(self._totals, "tested_at", f"{self._now_ms():.3f}")
        pipeline.execute()

    def claim_question(self, *, lately_seconds: float, together_seconds: int) -> bool:
        """Return whether to ask Exotel at a start: it has not answered lately, and no other worker is about to ask."""
        answered_ms = _time(self._client.hget(self._totals, "answered_at"))
        if answered_ms is not None and self._now_ms() - answered_ms < lately_seconds * 1000:
            return False
        return bool(self._client.set(self._asking, "1", nx=True, ex=together_seconds))

    def _now_ms(self) -> float:
        seconds, microseconds = self._client.time()
        return float(seconds) * 1000 + float(microseconds) / 1000


def _time(stored: bytes | None) -> float | None:
    return None if stored is None else float(stored)

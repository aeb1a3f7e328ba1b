"""Count wrong passwords for all web processes together, and limit them per address."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from schemas.addresses import read_address
from worker.ledger.keys import ALL_GUESSES, GUESSES
from worker.ledger.scripts import Scripts

# Enough for typing errors; a thousand attempts a day do not guess a good password.
PER_ADDRESS = 10
# From all addresses together. Beyond it every address has one attempt left, so that an attacker with a thousand addresses
# cannot lock the operators out.
IN_ALL = 100
# Seconds, from the first wrong password on.
WINDOW_SECONDS = 900


class LoginAttempts:
    """The wrong passwords of the last quarter of an hour. Every method raises redis.RedisError."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._scripts = Scripts(client)

    def wait_seconds(self, address: str) -> float:
        """Return how many seconds an address has to wait before its next attempt; 0: none."""
        mine = GUESSES + _neighbourhood(address)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.get(mine)
        pipeline.pttl(mine)
        pipeline.get(ALL_GUESSES)
        here, left_ms, everywhere = pipeline.execute()
        allowed = 1 if int(everywhere or 0) >= IN_ALL else PER_ADDRESS
        return max(1.0, left_ms / 1000) if int(here or 0) >= allowed else 0.0

    def count(self, address: str) -> int:
        """Count a wrong password; return how many there are from this address."""
        keys = [GUESSES + _neighbourhood(address), ALL_GUESSES]
        return int(self._scripts.run("login_attempt/count", keys, [WINDOW_SECONDS * 1000]))


def _neighbourhood(address: str) -> str:
    """Return what counts as one address: an IPv6 client usually controls a whole /64 network."""
    given = read_address(address)
    if given is None:
        return "?"
    return str(IPv6Address(int(given) >> 64 << 64) if isinstance(given, IPv6Address) else given)

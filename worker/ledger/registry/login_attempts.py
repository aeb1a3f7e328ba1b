"""Counts wrong passwords, for all web processes together: from an address only so many are listened to."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from schemas.addresses import read_address
from worker.ledger.keys import ALL_GUESSES, GUESSES
from worker.ledger.scripts import Scripts

# A person who mistypes needs a handful; a thousand a day get nowhere with any password worth the name.
PER_ADDRESS = 10
# From everywhere together. Beyond it every address has one try left, so that nobody can lock the operators out by
# guessing from a thousand places.
IN_ALL = 100
# From the first wrong one on.
WINDOW_SECONDS = 900


class LoginAttempts:
    """The wrong passwords of the last quarter of an hour. Every method raises redis.RedisError."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._scripts = Scripts(client)

    def wait_seconds(self, address: str) -> float:
        """Return how long an address has to wait before it is listened to again; 0: not at all."""
        mine = GUESSES + _neighbourhood(address)
        pipeline = self._client.pipeline(transaction=False)
        pipeline.get(mine)
        pipeline.pttl(mine)
        pipeline.get(ALL_GUESSES)
        here, left_ms, everywhere = pipeline.execute()
        allowed = 1 if int(everywhere or 0) >= IN_ALL else PER_ADDRESS
        return max(1.0, left_ms / 1000) if int(here or 0) >= allowed else 0.0

    def count(self, address: str) -> int:
        """Count a wrong password; returns how many there were from this address."""
        keys = [GUESSES + _neighbourhood(address), ALL_GUESSES]
        return int(self._scripts.run("login_attempt/count", keys, [WINDOW_SECONDS * 1000]))


def _neighbourhood(address: str) -> str:
    """Return what counts as one address: whoever has an IPv6 address has the 2^64 beside it too."""
    given = read_address(address)
    if given is None:
        return "?"
    return str(IPv6Address(int(given) >> 64 << 64) if isinstance(given, IPv6Address) else given)

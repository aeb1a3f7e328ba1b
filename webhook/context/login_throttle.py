"""Tries a password on CONSOLE_PASSWORD: in a time that tells nothing, and only so often; wrong tokens count too."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import structlog

from worker.ledger.registry.login_attempts import LoginAttempts

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

# While Redis cannot count (it is away, or full), this process listens to one wrong password in so long, from anywhere.
UNCOUNTED_SECONDS = 5.0


class Tried(NamedTuple):
    """Was it right? If not: how long nothing more is listened to from that address, 0 where the next may come at once."""

    right: bool
    wait_seconds: float = 0.0


class LoginThrottle:
    """One a process; safe to share between threads."""

    def __init__(self, client: Any, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._guesses = LoginAttempts(client)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._deaf_until = float("-inf")

    def try_password(self, given: str, password: str, address: str) -> Tried:
        """Try one, from an address. Wrong ones count for all web processes together."""
        wait = self._wait_seconds(address)
        if wait:
            return Tried(right=False, wait_seconds=wait)
        # Digests are of one length, so that the time does not tell how long the password is either.
        if hmac.compare_digest(_digest(given), _digest(password)):
            return Tried(right=True)
        log.warning("console.wrong_password", address=address)
        self._count(address)
        return Tried(right=False)

    def wrong_token(self, address: str) -> Tried:
        """Count a token of the API that is none, as one guess more from an address."""
        wait = self._wait_seconds(address)
        if not wait:
            log.warning("api.wrong_token", address=address)
            self._count(address)
        return Tried(right=False, wait_seconds=wait)

    def _count(self, address: str) -> None:
        try:
            self._guesses.count(address)
        except redis.RedisError as error:
            log.warning("console.wrong_password_not_counted", error=str(error))
            with self._lock:
                self._deaf_until = self._monotonic() + UNCOUNTED_SECONDS

    def _wait_seconds(self, address: str) -> float:
        with self._lock:
            deaf = self._deaf_until - self._monotonic()
        if deaf > 0:
            return max(1.0, deaf)
        try:
            return self._guesses.wait_seconds(address)
        except redis.RedisError:
            return 0.0


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()

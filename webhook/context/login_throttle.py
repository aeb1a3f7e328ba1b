"""Checks passwords against CONSOLE_PASSWORD in constant time, and limits attempts; wrong API tokens count too."""

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

# While Redis cannot count (unreachable or full), this process accepts one wrong password per interval, from any address.
UNCOUNTED_SECONDS = 5.0


class Tried(NamedTuple):
    """Was it right? If not: for how long that address is locked out, 0 if it may try again at once."""

    right: bool
    wait_seconds: float = 0.0


class LoginThrottle:
    """One per process; safe to share between threads."""

    def __init__(self, client: Any, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._guesses = LoginAttempts(client)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._deaf_until = float("-inf")

    def try_password(self, given: str, password: str, address: str) -> Tried:
        """Check a password from an address. Wrong ones are counted across all web processes."""
        wait = self._wait_seconds(address)
        if wait:
            return Tried(right=False, wait_seconds=wait)
        # Digests have one length, so that the time does not reveal the password's length either.
        if hmac.compare_digest(_digest(given), _digest(password)):
            return Tried(right=True)
        log.warning("console.wrong_password", address=address)
        self._count(address)
        return Tried(right=False)

    def wrong_token(self, address: str) -> Tried:
        """Count an invalid API token as a wrong guess from an address."""
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

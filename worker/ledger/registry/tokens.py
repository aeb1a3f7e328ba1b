"""The tokens that programs show at the API: made, listed, revoked, and found again by what was shown."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.errors import LegworkError
from worker.ledger.keys import TOKEN_USES, TOKENS

#: What every token begins with, so that people and programs that look for leaked secrets know one when they see it.
PREFIX = "lw_"
# 256 bits: no number of guesses finds one.
_BYTES = 32
#: What a token may be called: a name that fits in a log line and a shell.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# That a token is used is written down once in so long; who asks wants to know the day.
USE_NOTED_MS = 3_600_000


class Scope(StrEnum):
    """What a token is good for; each holds those before it."""

    READ = "read"
    OPERATE = "operate"

    def includes(self, other: Scope) -> bool:
        """May whoever has this one do what the other is for?"""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class TokenNameTaken(LegworkError):
    """Raised when there is a token of that name."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token. Moments are milliseconds of Redis's clock; `used_ms` is right to the hour."""

    name: str
    scope: Scope
    created_ms: float
    expires_ms: float | None
    used_ms: float | None = None

    def is_expired(self, now_ms: float) -> bool:
        """Is its time over?"""
        return self.expires_ms is not None and self.expires_ms <= now_ms


class Tokens:
    """The tokens of one ledger. Every method raises redis.RedisError.

    Only a digest of each is kept. A plain SHA-256 will do: slow hashes are for passwords, which can be guessed; nobody
    finds 256 random bits by trying, however fast they try.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, name: str, scope: Scope, *, now_ms: float, expires_ms: float | None = None) -> str:
        """Make a token and return it, this once. Raises TokenNameTaken."""
        made = PREFIX + secrets.token_urlsafe(_BYTES)
        document = {"digest": _digest(made), "scope": scope.value, "created": round(now_ms), "expires": expires_ms}
        if not self._client.hsetnx(TOKENS, name, json.dumps(document)):
            raise TokenNameTaken(f"there is a token called {name}: give another name, or revoke that one")
        # An older one of that name may have been used at the moment in which it was revoked.
        self._client.hdel(TOKEN_USES, name)
        return made

    def all(self) -> list[Token]:
        """Return them by their names; those whose time is over too, until they are revoked."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(TOKENS)
        pipeline.hgetall(TOKEN_USES)
        stored, uses = pipeline.execute()
        return [_token(name, json.loads(document), uses.get(name)) for name, document in sorted(stored.items())]

    def revoke(self, name: str) -> bool:
        """Listen to a token no more, from now on; False if there is none of that name."""
        pipeline = self._client.pipeline()
        pipeline.hdel(TOKENS, name)
        pipeline.hdel(TOKEN_USES, name)
        return bool(pipeline.execute()[0])

    def find(self, shown: str) -> Token | None:
        """Return the token that was shown, whether its time is over or not; None if there is no such token."""
        # There are as many as an operator has programs, so all of them are read: a name is then one token's for sure.
        wanted = _digest(shown)
        for name, stored in self._client.hgetall(TOKENS).items():
            document = json.loads(stored)
            if secrets.compare_digest(document["digest"], wanted):
                return _token(name, document, self._client.hget(TOKEN_USES, name))
        return None

    def note_use(self, token: Token, now_ms: float) -> None:
        """Note that a token was used, if that has not been noted lately."""
        if token.used_ms is None or now_ms - token.used_ms >= USE_NOTED_MS:
            self._client.hset(TOKEN_USES, token.name, round(now_ms))


def _token(name: bytes, document: dict[str, Any], used: bytes | None) -> Token:
    return Token(
        name.decode(),
        Scope(document["scope"]),
        document["created"],
        document["expires"],
        None if used is None else float(used),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()

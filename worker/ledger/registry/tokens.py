"""Create, list, revoke and look up API tokens."""

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

#: The prefix of every token, so that people and secret scanners recognize one.
PREFIX = "lw_"
# 256 bits cannot be guessed.
_BYTES = 32
#: The form of a token's name, which fits in a log line and a shell.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Seconds between updates of a token's last use; people only need the day.
USE_NOTED_MS = 3_600_000


class Scope(StrEnum):
    """What a token permits; each scope includes those before it."""

    READ = "read"
    OPERATE = "operate"

    def includes(self, other: Scope) -> bool:
        """Return whether this scope permits what the other does."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class TokenNameTaken(LegworkError):
    """Raised if there is a token with that name already."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token's data, without the token. Times are milliseconds of Redis's clock; `used_ms` is accurate to the hour."""

    name: str
    scope: Scope
    created_ms: float
    expires_ms: float | None
    used_ms: float | None = None

    def is_expired(self, now_ms: float) -> bool:
        """Return whether the token has expired."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


class Tokens:
    """The tokens of one ledger. Every method raises redis.RedisError.

    Only a digest of each is stored. A plain SHA-256 is enough: slow hashes are for passwords, which can be guessed; 256
    random bits cannot.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, name: str, scope: Scope, *, now_ms: float, expires_ms: float | None = None) -> str:
        """Create a token and return it; it cannot be read again. Raises TokenNameTaken."""
        made = PREFIX + secrets.token_urlsafe(_BYTES)
        document = {"digest": _digest(made), "scope": scope.value, "created": round(now_ms), "expires": expires_ms}
        if not self._client.hsetnx(TOKENS, name, json.dumps(document)):
            raise TokenNameTaken(f"there is a token called {name}: give another name, or revoke that one")
        # An older token of that name may have been used while it was being revoked.
        self._client.hdel(TOKEN_USES, name)
        return made

    def all(self) -> list[Token]:
        """Return all tokens sorted by name; expired ones too, until they are revoked."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(TOKENS)
        pipeline.hgetall(TOKEN_USES)
        stored, uses = pipeline.execute()
        return [_token(name, json.loads(document), uses.get(name)) for name, document in sorted(stored.items())]

    def revoke(self, name: str) -> bool:
        """Revoke a token at once; return False if there is none of that name."""
        pipeline = self._client.pipeline()
        pipeline.hdel(TOKENS, name)
        pipeline.hdel(TOKEN_USES, name)
        return bool(pipeline.execute()[0])

    def find(self, shown: str) -> Token | None:
        """Return the token that was presented, expired or not; None if it is unknown."""
        # There are only as many as an operator has programs, so all of them are read: this way a name is unambiguous.
        wanted = _digest(shown)
        for name, stored in self._client.hgetall(TOKENS).items():
            document = json.loads(stored)
            if secrets.compare_digest(document["digest"], wanted):
                return _token(name, document, self._client.hget(TOKEN_USES, name))
        return None

    def note_use(self, token: Token, now_ms: float) -> None:
        """Record that a token was used, if that has not been recorded recently."""
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

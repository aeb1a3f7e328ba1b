"""Encrypt the secrets of subscribers in Redis with LEGWORK_SECRET_KEY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.errors import LegworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.fernet import MultiFernet


class Locked(LegworkError):
    """Raised if there is no key, or no matching one; the message says what to do."""


class Encryptor:
    """Fernet with several keys (https://cryptography.io/en/latest/fernet/): the first encrypts, all of them decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys

    def encrypt(self, text: str) -> str:
        """Return the text as a token. Raises Locked without a key."""
        return self._fernet().encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Return the text of a token. Raises Locked without a matching key."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  30 ms of imports that most commands never need

        try:
            return self._fernet().decrypt(token.encode()).decode()
        except InvalidToken:
            raise Locked(
                "no key in LEGWORK_SECRET_KEY decrypts it: put the key that encrypted it after the current one"
            ) from None

    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  as above

        if not self._keys:
            raise Locked("LEGWORK_SECRET_KEY is not set: `legwork sinks key` makes one; every web and worker needs it")
        return MultiFernet([Fernet(key) for key in self._keys])


def new_key() -> str:
    """Return a new random key."""
    from cryptography.fernet import Fernet  # noqa: PLC0415  as above

    return Fernet.generate_key().decode()

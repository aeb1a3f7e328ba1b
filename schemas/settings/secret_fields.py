"""The types of settings that are secrets: a password, the tokens of callback URLs, signing secrets."""

from __future__ import annotations

import base64
import re
from typing import Any, ClassVar

from marshmallow import ValidationError

from schemas.settings.fields import SettingField


class Password(SettingField[str]):
    """A text that is used unchanged, spaces included."""

    right = "give a text"

    def read(self, text: str) -> str:
        return text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        super()._deserialize(value, attr, data, **kwargs)
        return str(value)


class CallbackTokens(SettingField[tuple[str, ...]]):
    """The secrets in the callback URLs, the newest first. They are part of a path, and so URL-safe."""

    #: Shorter tokens could be guessed.
    SHORTEST = 16
    right = f"give {SHORTEST} or more of A-Z a-z 0-9 - _ . ~; several tokens are separated by spaces"

    def read(self, text: str) -> tuple[str, ...]:
        tokens = tuple(dict.fromkeys(text.split()))
        if not all(re.fullmatch(r"[A-Za-z0-9_.~-]+", token) for token in tokens):
            raise ValidationError("holds a character that is not URL-safe")
        if not tokens or min(map(len, tokens)) < self.SHORTEST:
            raise ValidationError("is too short")
        return tokens


class SigningSecrets(SettingField[tuple[str, ...]]):
    """Signing secrets in the format of Standard Webhooks, symmetric or Ed25519; several during a rotation."""

    #: The prefix of each type, and its lengths in bytes: symmetric ones as the specification requires; an Ed25519 private
    #: key alone, or followed by its public key, as Svix writes it.
    LENGTHS: ClassVar = {"whsec_": range(24, 65), "whsk_": (32, 64)}
    #: An old and a new one of both types.
    MOST = 4
    right = (
        "give whsec_ and the base64 of 24 to 64 random bytes, or whsk_ and the base64 of an Ed25519 private key "
        f"(32 bytes, or 64 with the public key); up to {MOST} are separated by spaces"
    )

    def read(self, text: str) -> tuple[str, ...]:
        secrets = tuple(text.split())
        if not 1 <= len(secrets) <= self.MOST:
            raise ValidationError(f"is not one to {self.MOST} secrets")
        for secret in secrets:
            sort, _, written = secret.partition("_")
            lengths = self.LENGTHS.get(f"{sort}_")
            if lengths is None:
                raise ValidationError(f"does not start with {' or '.join(self.LENGTHS)}")
            try:
                key = base64.b64decode(written, validate=True)
            except ValueError:
                raise ValidationError(f"is not base64 after {sort}_") from None
            if len(key) not in lengths:
                raise ValidationError("is of the wrong length")
        return secrets

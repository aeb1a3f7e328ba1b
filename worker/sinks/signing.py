"""Sign records by Standard Webhooks 1.0: `v1` with a shared secret, `v1a` with an Ed25519 private key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from marshmallow import ValidationError
from standardwebhooks import Webhook

from schemas.settings.secret_fields import SigningSecrets

# (message id, Unix seconds, body) → one entry of `webhook-signature`.
Signer = Callable[[str, int, bytes], str]

_SHARED, _PRIVATE, _PUBLIC = "whsec_", "whsk_", "whpk_"
# Bytes. The specification requires 24 to 64; SHA-256 has 32.
_NEW_BYTES = 32
_SEED_BYTES = 32


def signer_for(secret: str) -> Signer:
    """Return the signing function of a secret of either type. Raises ValidationError, without showing the secret."""
    if secret.startswith(_PRIVATE):
        return partial(_sign_by_key, _private_key(secret))
    SigningSecrets().read(secret)
    return partial(_sign_by_secret, Webhook(secret))


def new_secret() -> str:
    """Return a new secret for `v1`."""
    return _SHARED + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def public_key(secret: str) -> str:
    """Return the `whpk_…` that a subscriber checks the signatures of a `whsk_…` with. Raises ValidationError."""
    return _PUBLIC + base64.b64encode(_public_bytes(_private_key(secret))).decode()


def _sign_by_secret(webhook: Webhook, message_id: str, seconds: int, body: bytes) -> str:
    # The package treats any datetime as UTC, so it must not get one of another zone.
    when = datetime.fromtimestamp(seconds, UTC)
    signature: str = webhook.sign(msg_id=message_id, timestamp=when, data=body.decode())
    return signature


def _sign_by_key(key: Ed25519PrivateKey, message_id: str, seconds: int, body: bytes) -> str:
    signature = key.sign(f"{message_id}.{seconds}.".encode() + body)
    return f"v1a,{base64.b64encode(signature).decode()}"


def _private_key(secret: str) -> Ed25519PrivateKey:
    SigningSecrets().read(secret)
    if not secret.startswith(_PRIVATE):
        raise ValidationError(f"is no private key; give {_PRIVATE} and the base64 of one")
    written = base64.b64decode(secret.removeprefix(_PRIVATE))
    key = Ed25519PrivateKey.from_private_bytes(written[:_SEED_BYTES])
    # Svix appends the public key to the private one. Subscribers with another public key would refuse every record.
    if written[_SEED_BYTES:] not in {b"", _public_bytes(key)}:
        raise ValidationError("holds a public key that is not the private one's; give the two of one pair")
    return key


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

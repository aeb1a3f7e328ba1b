"""The session of a person at the console: a signed cookie, the same for every web process.

Its key comes out of CONSOLE_PASSWORD, so a changed password ends all sessions. Somebody without a session (at this
machine, or with Basic authentication) has a cookie too, which opens nothing: it is what the tokens of forms hang on.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData, Signer, URLSafeSerializer

if TYPE_CHECKING:
    from flask import Response

    from schemas.settings import Settings

# A shift and a little; whoever comes back the next morning signs in again.
SESSION_SECONDS = 12 * 3600
# Deriving the key takes some 50 ms and 16 MB, once a process: whoever steals a cookie must not try passwords on it fast.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_SALT = b"legwork console 2"
# How itsdangerous signs, which would take SHA-1 by itself; its salts keep cookies and forms apart.
_SIGNING: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the console. `signed_in` by the password of the sign-in page; until `ends` (seconds since the epoch)."""

    name: str
    signed_in: bool
    ends: int

    @property
    def seconds_left(self) -> float:
        """How long it goes on."""
        return max(0.0, self.ends - time.time())


class Sessions:
    """Writes and reads the cookies, and the tokens of forms."""

    def __init__(self, settings: Settings) -> None:
        # Without a password there is no session to forge; what all processes share, and nobody else, signs the forms.
        tokens = (token for account in settings.accounts for token in account.callback_tokens)
        key = _key(settings.console_password or " ".join(tokens))
        # The end stands in the cookie. A timed serializer would have its beginning there, and take a cookie for expired that
        # another host's clock made a second from now.
        self._cookies = URLSafeSerializer(key, salt="cookie", signer_kwargs=_SIGNING)
        self._forms = Signer(key, salt="form", **_SIGNING)

    @staticmethod
    def begin(*, signed_in: bool) -> Visit:
        """Begin a visit, under a name of its own."""
        return Visit(secrets.token_urlsafe(18), signed_in, int(time.time()) + SESSION_SECONDS)

    def write(self, visit: Visit) -> str:
        """Return the cookie's value."""
        return str(self._cookies.dumps([visit.name, visit.signed_in, visit.ends]))

    def read(self, cookie: str) -> Visit | None:
        """Return the visit that a cookie stands for; None if it is over, or the cookie is none of ours."""
        try:
            visit = Visit(*self._cookies.loads(cookie))
        except BadData:  # it is none of ours, or none at all
            return None
        return visit if visit.seconds_left else None

    def token(self, visit: Visit) -> str:
        """Return what a form of this visit has to bring along."""
        return self._forms.get_signature(visit.name).decode()

    def is_token(self, visit: Visit, given: str) -> bool:
        """Did a form of this visit bring it along?"""
        return self._forms.verify_signature(visit.name, given.encode(errors="replace"))


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=_SALT, dklen=32, **_SCRYPT)


def cookie_name(*, secure: bool) -> str:
    """Return its name; browsers take `__Host-` only over TLS, from this host alone and for all of it."""
    return "__Host-legwork" if secure else "legwork"


def set_cookie(response: Response, value: str, *, secure: bool, seconds: int = SESSION_SECONDS) -> None:
    """Put the cookie on a response; with 0 `seconds` it is taken away."""
    response.set_cookie(
        cookie_name(secure=secure), value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Strict"
    )

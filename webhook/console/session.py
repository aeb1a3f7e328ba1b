"""The console's session: a signed cookie, valid for every web process.

Its key is derived from CONSOLE_PASSWORD, so a changed password ends all sessions. A visitor without a session (on this
machine, or with Basic authentication) has a cookie too, which grants nothing: the tokens of forms are bound to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from itsdangerous import BadData, Signer, URLSafeSerializer

if TYPE_CHECKING:
    from cryptography.fernet import Fernet
    from flask import Response

    from schemas.settings import Settings

# A shift and a little more; the next morning one signs in again.
SESSION_SECONDS = 12 * 3600
# Deriving the key takes some 50 ms and 16 MB, once per process, so that passwords cannot be guessed fast from a stolen cookie.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_SALT = b"legwork console 2"
# itsdangerous would use SHA-1 by default. Different salts separate cookies and forms.
_SIGNING: dict[str, Any] = {"key_derivation": "hmac", "digest_method": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to the console: `signed_in` through the sign-in page or not; `ends` in seconds since the epoch."""

    name: str
    signed_in: bool
    ends: int

    @property
    def seconds_left(self) -> float:
        """Return how long the visit still lasts."""
        return max(0.0, self.ends - time.time())


class Sessions:
    """Writes and reads the cookies and the tokens of forms."""

    def __init__(self, settings: Settings) -> None:
        # Without a password there is no session to forge; forms are signed with a secret that all processes share.
        tokens = (token for account in settings.accounts for token in account.callback_tokens)
        key = _key(settings.console_password or " ".join(tokens))
        # The cookie holds its end. A timed serializer would store the beginning, and reject a cookie that another host, whose
        # clock is a second ahead, has just made.
        self._cookies = URLSafeSerializer(key, salt="cookie", signer_kwargs=_SIGNING)
        self._forms = Signer(key, salt="form", **_SIGNING)
        self._sealing_key = base64.urlsafe_b64encode(hmac.digest(key, b"seal", "sha256"))

    @staticmethod
    def begin(*, signed_in: bool) -> Visit:
        """Begin a visit with a new random name."""
        return Visit(secrets.token_urlsafe(18), signed_in, int(time.time()) + SESSION_SECONDS)

    def write(self, visit: Visit) -> str:
        """Return the cookie's value."""
        return str(self._cookies.dumps([visit.name, visit.signed_in, visit.ends]))

    def read(self, cookie: str) -> Visit | None:
        """Return a cookie's visit; None if it has ended, or the cookie is not ours."""
        try:
            visit = Visit(*self._cookies.loads(cookie))
        except BadData:  # not ours, or malformed
            return None
        return visit if visit.seconds_left else None

    def token(self, visit: Visit) -> str:
        """Return the token that this visit's forms have to submit."""
        return self._forms.get_signature(visit.name).decode()

    def seal(self, text: str) -> str:
        """Return a text encrypted, as a part of a URL that reveals nothing of it."""
        return self._seal().encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """Return the text that was sealed; None if it is not ours, or the password has changed since."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  as in `_seal`

        try:
            return self._seal().decrypt(sealed.encode(errors="replace")).decode()
        except InvalidToken:
            return None

    def _seal(self) -> Fernet:
        from cryptography.fernet import Fernet  # noqa: PLC0415  30 ms of imports that only searches need

        return Fernet(self._sealing_key)

    def is_token(self, visit: Visit, given: str) -> bool:
        """Is this the token of this visit's forms?"""
        return self._forms.verify_signature(visit.name, given.encode(errors="replace"))


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=_SALT, dklen=32, **_SCRYPT)


def cookie_name(*, secure: bool) -> str:
    """Return the cookie's name; browsers accept `__Host-` only over TLS, without a domain, and for the path `/`."""
    return "__Host-legwork" if secure else "legwork"


def set_cookie(response: Response, value: str, *, secure: bool, seconds: int = SESSION_SECONDS) -> None:
    """Set the cookie on a response; 0 `seconds` deletes it."""
    response.set_cookie(
        cookie_name(secure=secure), value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="Strict"
    )

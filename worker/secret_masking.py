"""Collect the secrets that must never be shown (contract section 8), and mask them in texts."""

from __future__ import annotations

import html
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from schemas.urls import secretive, secrets_in
from worker.errors import LegworkError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from schemas.settings import Settings, SinkSpec

# In characters; anything shorter would match many texts that are not the secret.
SHORTEST_SECRET = 4
# Up to the first length, or the second if it is only letters, a secret may be part of a word: only whole words are masked.
_LONGEST_PART, _LONGEST_WORD = 7, 15
# What may precede or follow a secret as a whole word: no letter or digit, except an escape sequence of a URL, of JSON or of
# Python's repr.
_BEGINS = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[abfnrtv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_ENDS = r"(?![0-9A-Za-z])"


class Secrets:
    """Masks known secrets in texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these secrets too from now on."""
        self._known |= {spelt for secret in secrets if len(secret) >= SHORTEST_SECRET for spelt in _spellings(secret)}
        # Longest first: a secret may contain another.
        known = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_found_as, known))) if known else None

    def without(self, text: str) -> str:
        """Return a text with each secret replaced by ***."""
        return text if self._pattern is None else self._pattern.sub("***", text)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it is, and as Python, JSON and HTML escape it: receivers repeat what they were sent."""
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], html.escape(secret)}


def _found_as(secret: str) -> str:
    """Return a secret's pattern; one like a word does not match inside other words: `***ql 15.20` would reveal it."""
    if len(secret) > (_LONGEST_WORD if secret.isalpha() else _LONGEST_PART):
        return re.escape(secret)
    begins, ends = (_BEGINS if secret[0].isalnum() else ""), (_ENDS if secret[-1].isalnum() else "")
    return f"{begins}{re.escape(secret)}{ends}"


def secrets_of(settings: Settings) -> set[str]:
    """Return all secrets in the settings, which must never be shown."""
    secrets = {value for account in settings.accounts for value in (account.api_key, account.api_token)}
    secrets |= {token for account in settings.accounts for token in account.callback_tokens}
    for url in (settings.redis_url, settings.broker_url):
        secrets |= secrets_in(url or "")
    if settings.console_password:
        secrets.add(settings.console_password)
    secrets.update(settings.legwork_secret_key or ())
    return secrets.union(*map(secrets_of_sink, settings.sinks))


def secrets_of_sink(sink: SinkSpec) -> set[str]:
    """Return all secrets of a sink, which must never be shown."""
    headers = sink.options.get("headers")
    return {
        *sink.secrets,
        *secretive(sink.options.items()),
        # Any header of a subscriber may hold a credential.
        *(map(str, headers.values()) if isinstance(headers, dict) else ()),
        *secrets_in(sink.url),
    }


def without_secrets_of(sink: SinkSpec, text: str) -> str:
    """Return a message about a sink, from a driver for instance, with the sink's secrets masked."""
    return Secrets(secrets_of_sink(sink)).without(text)


@contextmanager
def keeping_secrets_of(sink: SinkSpec) -> Iterator[None]:
    """Mask a sink's secrets in the message of any LegworkError raised inside: it may be shown anywhere.

    It becomes a reason in the ledger, a line on a terminal or a page, or part of a record for another sink.
    """
    try:
        yield
    except LegworkError as error:
        error.args = tuple(without_secrets_of(sink, arg) if isinstance(arg, str) else arg for arg in error.args)
        raise

"""What must never show (contract section 8), and texts without it."""

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

# What is shorter would be found in many a place where it is no secret.
SHORTEST_SECRET = 4
# So long, and longer if it is letters alone, a secret may be a word or a part of one: it is masked where it stands for itself.
_LONGEST_PART, _LONGEST_WORD = 7, 15
# Beside these a secret begins or ends a word of its own: no letter or digit, but for what stands for a character in a URL, in
# JSON or in Python's way of showing a text.
_BEGINS = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[abfnrtv])|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
_ENDS = r"(?![0-9A-Za-z])"


class Secrets:
    """Takes the secrets that it knows out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these out too from now on."""
        self._known |= {spelt for secret in secrets if len(secret) >= SHORTEST_SECRET for spelt in _spellings(secret)}
        # Longest first: a secret may hold another.
        known = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_found_as, known))) if known else None

    def without(self, text: str) -> str:
        """Return a text with *** in the place of each of them."""
        return text if self._pattern is None else self._pattern.sub("***", text)


def _spellings(secret: str) -> set[str]:
    """Return a secret as it is in a text, and as Python, JSON and HTML spell it: receivers repeat what they were sent."""
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], html.escape(secret)}


def _found_as(secret: str) -> str:
    """Return what finds a secret; one like a word is not found inside others: `***ql 15.20` would tell what it is."""
    if len(secret) > (_LONGEST_WORD if secret.isalpha() else _LONGEST_PART):
        return re.escape(secret)
    begins, ends = (_BEGINS if secret[0].isalnum() else ""), (_ENDS if secret[-1].isalnum() else "")
    return f"{begins}{re.escape(secret)}{ends}"


def secrets_of(settings: Settings) -> set[str]:
    """Return everything in the settings that must never show."""
    secrets = {value for account in settings.accounts for value in (account.api_key, account.api_token)}
    secrets |= {token for account in settings.accounts for token in account.callback_tokens}
    for url in (settings.redis_url, settings.broker_url):
        secrets |= secrets_in(url or "")
    if settings.console_password:
        secrets.add(settings.console_password)
    secrets.update(settings.legwork_secret_key or ())
    return secrets.union(*map(secrets_of_sink, settings.sinks))


def secrets_of_sink(sink: SinkSpec) -> set[str]:
    """Return everything about a sink that must never show."""
    headers = sink.options.get("headers")
    return {
        *sink.secrets,
        *secretive(sink.options.items()),
        # Whatever a subscriber wants in a header may be what lets us in there.
        *(map(str, headers.values()) if isinstance(headers, dict) else ()),
        *secrets_in(sink.url),
    }


def without_secrets_of(sink: SinkSpec, text: str) -> str:
    """Return what somebody said of a sink, a driver for instance, without the sink's secrets."""
    return Secrets(secrets_of_sink(sink)).without(text)


@contextmanager
def keeping_secrets_of(sink: SinkSpec) -> Iterator[None]:
    """Take a sink's secrets out of the message of any LegworkError that is raised in here: it may go anywhere.

    It is a reason in the ledger, a line on a terminal or a page, a record for another sink.
    """
    try:
        yield
    except LegworkError as error:
        error.args = tuple(without_secrets_of(sink, arg) if isinstance(arg, str) else arg for arg in error.args)
        raise

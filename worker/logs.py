"""Logs: events with fields, one JSON object a line (or coloured text on a terminal), on standard error.

Whatever the library it comes from, a line passes through the same processors, and through one that masks phone numbers
to their last four digits and leaves no secret of the settings standing.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import EventDict, Processor, WrappedLogger

    from schemas.settings import Settings, SinkSpec

# Contract section 8.
_SHOWN = 4
# What is made of digits and is no phone number is found first, and kept: the ids of Celery's tasks, moments, decimals.
_KEPT = (
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?",
    r"\d+\.\d+",
)
# Seven digits are the shortest subscriber number in use, seventeen the longest in E.164 behind an international prefix.
# Digits beside letters are part of an id (a CallSid, say), but for those behind the plus of a query string.
_NUMBERS = (
    r"(?:(?<![0-9a-z])|(?<=%2b))\d{3,13}(\d{4})(?![0-9a-z])",
    r"\+[0-9][0-9 ()-]{5,20}[0-9]",
)
_DIGITS = re.compile(
    f"(?<![0-9a-z])(?P<kept>{'|'.join(_KEPT)})(?![0-9a-z])|(?P<number>{'|'.join(_NUMBERS)})", re.IGNORECASE
)
# A whole number this large in a field of its own is a phone number without its plus.
_LARGE = 10**9
# Options and parameters of a sink by these names are not for anybody's eyes.
_SECRETIVE = re.compile(r"key|pass|pwd|secret|sig|token", re.IGNORECASE)
# These speak at INFO of every task and connection; a healthy hour is short.
_TALKATIVE = ("celery", "kombu", "urllib3", "amqp", "granian", "_granian", "requests_hardened")
# Fields that hold numbers of ours, never of a person.
_OURS = frozenset({"timestamp", "pid", "port", "seconds", "count", "account", "call_sid", "lease", "version"})


def mask_number(number: str) -> str:
    """Return a phone number with all but its last four digits masked."""
    return f"…{number[-_SHOWN:]}" if len(number) > _SHOWN else number


class Mask:
    """A structlog processor: masks phone numbers, and the secrets it is given, in every text of an event."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._secrets: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these too from now on."""
        self._known |= {secret for secret in secrets if len(secret) >= _SHOWN}
        # Longest first: a secret may hold another.
        known = sorted(self._known, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """Return a text with nothing in it that must not show."""
        if self._secrets is not None:
            text = self._secrets.sub("***", text)
        return _DIGITS.sub(lambda found: found["kept"] or mask_number(found["number"]), text)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        # What begins with an underscore is structlog's own, and is taken out before anything is written.
        return {
            key: value if key in _OURS or key.startswith("_") else self._masked(value) for key, value in event.items()
        }

    def _masked(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return value if abs(value) < _LARGE else self.text(str(value))
        if isinstance(value, dict):
            return {self.text(str(key)): self._masked(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._masked(part) for part in value]
        # Whatever else there is would be written as text in the end, and unmasked then.
        return self.text(str(value))


def secrets_of(settings: Settings) -> set[str]:
    """Return everything in the settings that must never show."""
    secrets = {value for account in settings.accounts for value in (account.api_key, account.api_token)}
    secrets |= {token for account in settings.accounts for token in account.callback_tokens}
    for url in (settings.redis_url, settings.broker_url):
        secrets |= _in_url(url or "")
    if settings.console_password:
        secrets.add(settings.console_password)
    secrets.update(settings.legwork_secret_key or ())
    return secrets.union(*map(secrets_of_sink, settings.sinks))


def learn_secrets(sinks: Iterable[SinkSpec]) -> None:
    """Have the logs of this process mask the secrets of sinks that were added while it ran."""
    for processor in structlog.get_config()["processors"]:
        if isinstance(processor, Mask):
            processor.learn(set().union(*map(secrets_of_sink, sinks)))


def secrets_of_sink(sink: SinkSpec) -> set[str]:
    """Return everything about a sink that must never show."""
    headers = sink.options.get("headers")
    return {
        *sink.secrets,
        *_secretive(sink.options.items()),
        # Whatever a subscriber wants in a header may be what lets us in there.
        *(map(str, headers.values()) if isinstance(headers, dict) else ()),
        *_in_url(sink.url),
    }


def _in_url(url: str) -> set[str]:
    """Return the password of a URL (or the user without one), and parameters that sound like one, in both spellings."""
    found = set(_secretive(parse_qsl(url.partition("?")[2])))
    userinfo = re.match(r"[^:/?#]+://([^@/?#]*)@", url)
    if userinfo:
        user, _, password = userinfo[1].partition(":")
        found.add(password or user)
    return found | {unquote(text) for text in found} | {quote(text, safe="") for text in found}


def _secretive(pairs: Iterable[tuple[str, Any]]) -> list[str]:
    return [value for name, value in pairs if isinstance(value, str) and _SECRETIVE.search(name)]


def set_up_logs(settings: Settings, *, stream: Any = None) -> None:
    """Send all logging of this process, ours and the libraries', through one pipeline."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Mask(secrets_of(settings)),
    ]
    log_format = settings.log_format or ("console" if stream.isatty() else "json")
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=24)
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))

"""Set up logging: events with fields, one JSON object per line (or coloured text on a terminal), on standard error.

Lines of every library pass through the same processors; one of them masks phone numbers to their last four digits, and
all secrets of the settings.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

import structlog

from worker.numbers.masking import Mask
from worker.secret_masking import secrets_of, secrets_of_sink
from worker.tracing.environment import is_asked_for, secrets_asked_with
from worker.tracing.ids import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import EventDict, Processor, WrappedLogger

    from schemas.settings import Settings, SinkSpec

# These log every task and connection at INFO, which would fill the log in normal operation.
_TALKATIVE = ("celery", "kombu", "urllib3", "amqp", "granian", "_granian", "requests_hardened")


def with_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the trace id of the call that a line is about, sampled or not (a structlog processor)."""
    if "account" in event and "call_sid" in event:
        event["trace_id"] = f"{trace_id_of(str(event['account']), str(event['call_sid'])):032x}"
    return event


def learn_secrets(sinks: Iterable[SinkSpec]) -> None:
    """Mask the secrets of sinks added at run time in the logs of this process."""
    for processor in structlog.get_config()["processors"]:
        if isinstance(processor, Mask):
            processor.learn(set().union(*map(secrets_of_sink, sinks)))


def set_up_logs(settings: Settings, *, stream: Any = None) -> None:
    """Send all logging of this process, Legwork's and the libraries', through one pipeline."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        *([with_trace_id] if is_asked_for(os.environ) else []),
        Mask(secrets_of(settings) | secrets_asked_with(os.environ)),
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

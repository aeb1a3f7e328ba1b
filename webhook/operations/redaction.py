"""What of an exchange with a sink may be shown: none of its secrets, and nothing of a URL that may hold one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.urls import place_of
from worker.secret_masking import Secrets, secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.sinks.exchange import Exchange


def discreet(exchange: Exchange, spec: SinkSpec) -> Exchange:
    """Return an exchange with a webhook without its secrets, even if it sent them back, as echoing servers do."""
    # The whole query: one that is signed is of use to whoever has all of it.
    secrets = Secrets(secrets_of_sink(spec) | {spec.url.partition("?")[2].partition("#")[0]})
    return replace(
        exchange,
        url=place_of(exchange.url),
        answer_headers={name: secrets.without(value) for name, value in exchange.answer_headers.items()},
        answer_body=secrets.without(exchange.answer_body),
        error=None if exchange.error is None else secrets.without(exchange.error),
    )

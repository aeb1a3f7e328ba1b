"""Removes secrets, and the parts of a URL that may hold one, from an exchange with a sink."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.urls import place_of
from worker.secret_masking import Secrets, secrets_of_sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.sinks.exchange import Exchange


def discreet(exchange: Exchange, spec: SinkSpec) -> Exchange:
    """Return an exchange without the webhook's secrets, even if it sent them back, as echo servers do."""
    # The whole query counts as a secret: a signed one is valid only as a whole.
    secrets = Secrets(secrets_of_sink(spec) | {spec.url.partition("?")[2].partition("#")[0]})
    return replace(
        exchange,
        url=place_of(exchange.url),
        answer_headers={name: secrets.without(value) for name, value in exchange.answer_headers.items()},
        answer_body=secrets.without(exchange.answer_body),
        error=None if exchange.error is None else secrets.without(exchange.error),
    )

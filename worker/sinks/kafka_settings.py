"""Combine librdkafka's settings from the sink's URL, its options and fixed values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

if TYPE_CHECKING:
    from collections.abc import Mapping

# librdkafka abandons a message after this time; waiting slightly longer gives its final result.
DELIVERY_SECONDS = 15
_DEFAULTS = {
    "client.id": "legwork",
    "enable.idempotence": True,
    "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
    # Otherwise it writes to standard error, unmasked; `send` reports the failures.
    "log_level": 0,
}
# Settings that weaken a confirmation: without all replicas, a record may be lost that counts as delivered.
_ACKS, _ALL = {"acks", "request.required.acks"}, {"all", "-1"}
# Settings that a URL may not have: transactions (which are never begun), test brokers, code.
_NOT_HERE = ("transactional.id", "test.", "plugin.library.paths", "default.topic.config", "logger", "on_delivery")
# librdkafka's default. A record contains whole callbacks; a longer one is refused permanently, and becomes a dead letter.
_SHORTEST_LIMIT_BYTES = 1_000_000
_SASL = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}


class Options(Schema):
    """Options of a Kafka sink, in the URL's query or in legwork.toml."""

    class Meta:
        unknown = INCLUDE  # librdkafka's

    topic = fields.String(
        load_default="calls",
        validate=validate.Regexp(r"^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$", error="is no name of a topic"),
        metadata={"doc": "The topic."},
    )


def settings_for(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return librdkafka's settings. Raises ValidationError."""
    parts = urlsplit(url)
    user, _, brokers = parts.netloc.rpartition("@")
    if not brokers or parts.path not in {"", "/"}:
        raise ValidationError("must be kafka://broker:9092,other:9092?topic=calls", "url")
    name, _, password = map(unquote, user.partition(":"))
    sasl = {**_SASL, "sasl.username": name, "sasl.password": password} if user else {}
    theirs = {**dict(parse_qsl(parts.query)), **options}
    for name, value in theirs.items():
        # confluent-kafka accepts the settings of a topic under either name.
        if name.removeprefix("topic.") in _ACKS and str(value) not in _ALL:
            raise ValidationError(f"{name} must be all: else a record is lost with the broker that took it", "url")
        if name.startswith(_NOT_HERE) or name.endswith("_cb"):
            raise ValidationError(f"{name} is none that can be set here", "url")
    limit = str(theirs.get("message.max.bytes", _SHORTEST_LIMIT_BYTES))
    if limit.isdecimal() and int(limit) < _SHORTEST_LIMIT_BYTES:
        raise ValidationError(
            f"message.max.bytes must be {_SHORTEST_LIMIT_BYTES} or more: else records are lost", "url"
        )
    return {**_DEFAULTS, "bootstrap.servers": brokers, **sasl, **theirs}

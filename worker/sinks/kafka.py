"""Produce each record to a Kafka topic, and wait until the brokers have it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from worker.errors import PermanentFailure, TemporaryFailure
from worker.sinks.base import Record, Sink
from worker.sinks.extras import import_or_explain

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

# librdkafka gives a message up after this; whoever waits a little longer knows what became of it.
DELIVERY_SECONDS = 15
_FLUSH_SECONDS, _CHECK_SECONDS = DELIVERY_SECONDS + 5.0, 5.0
# What is held against the message itself.
_NEVER = {"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD"}
_DEFAULTS = {
    "client.id": "legwork",
    "enable.idempotence": True,
    "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
    # It would write to standard error, past our logs and what they mask; failures are told by `send`.
    "log_level": 0,
}
_SASL = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN"}
_HEADERS = {"content-type": "application/cloudevents+json"}


class Options(Schema):
    """What may be said of a Kafka sink, in the URL's query or in legwork.toml."""

    class Meta:
        unknown = INCLUDE  # librdkafka's

    topic = fields.String(
        load_default="calls",
        validate=validate.Regexp(r"^[A-Za-z0-9._-]{1,249}$", error="is no name of a topic"),
        metadata={"doc": "The topic."},
    )


class KafkaSink(Sink):
    """`kafka://broker:9092,other:9092`, with `user:password@` before them for SASL: one message a record.

    Its key is the CallSid, so the records of a call are in one partition. The other options are librdkafka's, such as
    `security.protocol=SSL`. With a user and a password, `SASL_SSL` and `PLAIN` are the defaults.
    """

    Options = Options
    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        user, _, brokers = parts.netloc.rpartition("@")
        if not brokers or parts.path not in {"", "/"}:
            raise ValidationError("is to be kafka://broker:9092,other:9092?topic=calls", "url")
        name, _, password = map(unquote, user.partition(":"))
        sasl = {**_SASL, "sasl.username": name, "sasl.password": password} if user else {}
        theirs = {**dict(parse_qsl(parts.query)), **self.options}
        self._topic = theirs.pop("topic")
        self._settings = {**_DEFAULTS, "bootstrap.servers": brokers, **sasl, **theirs}
        # What was last the matter with the connections.
        self._troubles: deque[Any] = deque(maxlen=1)
        # One batch at a time, since a flush waits for everybody's messages.
        self._lock = threading.Lock()

    def open(self) -> None:
        """Load the library and start its threads. Raises PermanentFailure where a setting is wrong."""
        self._kafka = import_or_explain("confluent_kafka", extra="kafka")
        try:
            self._producer = self._kafka.Producer(self._settings, error_cb=self._troubles.append)
        except self._kafka.KafkaException as error:
            raise PermanentFailure(error.args[0].str()) from error

    def send(self, records: list[Record]) -> str:
        """Produce the records, and wait until the brokers have all of them."""
        with self._lock:
            errors = self._produce(records)
            if any(error.fatal() for error in errors):  # it has lost count of what it sent, and is of no more use
                self.open()
        if refusals := [error for error in errors if error.name() in _NEVER]:
            raise PermanentFailure(refusals[0].str())
        if errors:
            raise self._temporary(errors[0])
        return "acknowledged"

    def check(self) -> str:
        """Ask the brokers for their topics."""
        try:
            there = self._producer.list_topics(timeout=_CHECK_SECONDS).topics
        except self._kafka.KafkaException as error:
            raise self._temporary(error.args[0]) from error
        return f"answers; the topic {self._topic} is {'there' if self._topic in there else 'not there yet'}"

    def close(self) -> None:
        """End the library's threads and connections."""
        self._producer = None

    def _produce(self, records: list[Record]) -> list[Any]:
        """What went wrong, as librdkafka's errors, when all that could be sent was answered or given up."""
        answers: list[Any] = []
        self._troubles.clear()
        try:
            for record in records:
                self._producer.produce(
                    self._topic,
                    orjson.dumps(record),
                    key=record["data"].get("call_sid"),
                    headers={**_HEADERS, "ce_id": record["id"], "ce_type": record["type"]},
                    on_delivery=lambda error, _message: answers.append(error),
                )
        except self._kafka.KafkaException as error:
            answers.append(error.args[0])
        if self._producer.flush(_FLUSH_SECONDS):
            answers.append(self._kafka.KafkaError(self._kafka.KafkaError._TIMED_OUT))  # noqa: SLF001  a public code
        return [error for error in answers if error is not None]

    def _temporary(self, error: Any) -> TemporaryFailure:
        # "Message timed out" alone says little.
        return TemporaryFailure("; ".join(one.str() for one in (error, *self._troubles)))

"""Produce each record to a Kafka topic, and wait until the brokers have it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

from worker.errors import PermanentFailure, TemporaryFailure
from worker.extras import import_or_explain
from worker.sinks.base import Record, Sink, call_sid_of
from worker.sinks.kafka_settings import DELIVERY_SECONDS, Options, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.settings import SinkSpec

_FLUSH_SECONDS, _CHECK_SECONDS = DELIVERY_SECONDS + 5.0, 5.0
# Errors that are about the message itself.
_NEVER = {"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_MSG_SIZE", "INVALID_RECORD"}
_HEADERS = {"content-type": "application/cloudevents+json"}


class KafkaSink(Sink):
    """`kafka://broker:9092,other:9092`, with `user:password@` before them for SASL: one message per record.

    Its key is the CallSid, so the records of a call are in one partition. The other options are librdkafka's, such as
    `security.protocol=SSL`. With a user and a password, `SASL_SSL` and `PLAIN` are the defaults.
    """

    Options = Options
    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        theirs = dict(self.options)
        self._topic = theirs.pop("topic")
        self._settings = settings_for(self.url, theirs)
        # The latest errors of the connections.
        self._troubles: deque[Any] = deque(maxlen=1)
        # One batch at a time, since a flush waits for the messages of all threads.
        self._lock = threading.Lock()

    def open(self) -> None:
        """Load the library and start its threads. Raises PermanentFailure if a setting is wrong."""
        self._kafka = import_or_explain("confluent_kafka", extra="kafka")
        try:
            self._producer = self._kafka.Producer(self._settings, error_cb=self._troubles.append)
        except self._kafka.KafkaException as error:
            raise PermanentFailure(error.args[0].str()) from error
        except (TypeError, ValueError) as error:
            raise PermanentFailure(str(error)) from error

    def send(self, records: list[Record]) -> str:
        """Produce the records, and wait until the brokers have all of them."""
        with self._lock:
            errors = self._produce(records)
            if any(error.fatal() for error in errors):  # the producer's state is lost, and it cannot be used any more
                self.open()
        if refusals := [error for error in errors if error.name() in _NEVER]:
            raise PermanentFailure(refusals[0].str())
        if errors:
            raise self._temporary(errors[0])
        return "acknowledged"

    def check(self) -> str:
        """Connect to the brokers, and look for the topic."""
        try:
            there = self._producer.list_topics(timeout=_CHECK_SECONDS).topics
        except self._kafka.KafkaException as error:
            raise self._temporary(error.args[0]) from error
        return f"answers; the topic {self._topic} is {'there' if self._topic in there else 'not there yet'}"

    def close(self) -> None:
        """End the library's threads and connections."""
        self._producer = None

    def _produce(self, records: list[Record]) -> list[Any]:
        """Produce the records, and return librdkafka's errors once all are confirmed or abandoned."""
        answers: list[Any] = []
        self._troubles.clear()
        try:
            for record in records:
                self._queue(record, lambda error, _message: answers.append(error))
        except self._kafka.KafkaException as error:
            answers.append(error.args[0])
        except BufferError:  # the queue stayed full until the time-out
            answers.append(self._kafka.KafkaError(self._kafka.KafkaError._QUEUE_FULL))  # noqa: SLF001  a public code
        if self._producer.flush(_FLUSH_SECONDS):
            answers.append(self._kafka.KafkaError(self._kafka.KafkaError._TIMED_OUT))  # noqa: SLF001  a public code
        return [error for error in answers if error is not None]

    def _queue(self, record: Record, on_delivery: Callable[[Any, Any], None]) -> None:
        """Pass a record to the library; wait if its queue is full. Raises BufferError if it stays full."""
        message, headers = orjson.dumps(record), {**_HEADERS, "ce_id": record["id"], "ce_type": record["type"]}
        for may_wait in (True, False):
            try:
                self._producer.produce(
                    self._topic, message, key=call_sid_of(record), headers=headers, on_delivery=on_delivery
                )
            except BufferError:
                if not may_wait or self._producer.flush(_FLUSH_SECONDS):
                    raise
            else:
                return

    def _temporary(self, error: Any) -> TemporaryFailure:
        # "Message timed out" alone says little.
        return TemporaryFailure("; ".join(one.str() for one in (error, *self._troubles)))

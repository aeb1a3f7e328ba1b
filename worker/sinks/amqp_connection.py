"""Connect to an AMQP broker, and wait until each message is confirmed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import kombu.connection
import orjson
from amqp.exceptions import AMQPError, MessageNacked, NotFound  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from worker.sinks.base import Record

TIMEOUT_SECONDS = 15.0
# AMQP 0-9-1: a message that a durable queue keeps when the broker restarts.
_PERSISTENT = 2
#: The exceptions for an unreachable or failing broker, or one that refuses.
FAILURES = (AMQPError, MessageNacked, OSError)


class Connection:
    """One connection with one channel, for one thread at a time."""

    def __init__(self, url: str, tls: Any, exchange: str, exchange_type: str) -> None:
        """Connect, and create the exchange if it is missing. Raises one of FAILURES, as the methods do."""
        timeouts = {"read_timeout": TIMEOUT_SECONDS, "write_timeout": TIMEOUT_SECONDS, "confirm_publish": True}
        client = kombu.connection.Connection(  # type: ignore[no-untyped-call]
            url, ssl=tls, connect_timeout=TIMEOUT_SECONDS, transport_options=timeouts
        )
        self._returned: list[str] = []
        self._amqp: Any = client.transport.establish_connection()
        try:
            self._channel = self._channel_with(exchange, exchange_type)
        except BaseException:
            self.drop()
            raise
        self._channel.events["basic_return"].add(lambda reason, *_: self._returned.append(str(reason)))

    def publish(self, record: Record, exchange: str, routing_key: str) -> str | None:
        """Publish a record; return why it was returned, or None if the broker has it. A failure ends the connection."""
        self._returned.clear()
        try:
            message = self._channel.prepare_message(
                orjson.dumps(record),
                content_type="application/cloudevents+json",
                content_encoding="utf-8",
                properties={"message_id": record["id"], "type": record["type"], "delivery_mode": _PERSISTENT},
            )
            self._channel.basic_publish(message, exchange, routing_key, mandatory=True, confirm_timeout=TIMEOUT_SECONDS)
        except BaseException:
            self.drop()
            raise
        return self._returned[0] if self._returned else None

    def look_for_queue(self, name: str) -> None:
        """Raise NotFound, which is one of FAILURES, if there is no such queue. A failure ends the connection."""
        try:
            self._channel.queue_declare(name, passive=True)
        except BaseException:
            self.drop()
            raise

    def is_alive(self) -> bool:
        """Return whether the connection is usable: the broker has sent nothing, such as a close, since its last use."""
        try:
            self._amqp.drain_events(timeout=0)
        except TimeoutError:
            return True
        except FAILURES:
            return False
        return True

    def close(self) -> None:
        """Close the connection properly."""
        with suppress(*FAILURES):
            self._amqp.close()
        self.drop()

    def drop(self) -> None:
        """Close the socket without notifying the broker."""
        self._amqp.collect()

    def _channel_with(self, exchange: str, exchange_type: str) -> Any:
        channel = self._amqp.channel()
        if exchange:  # the default exchange always exists
            try:
                channel.exchange_declare(exchange, exchange_type, passive=True)
            except NotFound:  # which closes the channel
                channel = self._amqp.channel()
                channel.exchange_declare(exchange, exchange_type, durable=True, auto_delete=False)
        return channel

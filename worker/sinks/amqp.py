"""Publish each record to an AMQP exchange, and wait until the broker has confirmed it."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from worker.errors import TemporaryFailure
from worker.sinks.amqp_connection import FAILURES, Connection
from worker.sinks.base import Record, Sink

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

# AMQP 0-9-1: a name is a short string, whose length is one byte.
_LONGEST_NAME_BYTES = 255


def _name(text: str) -> None:
    if len(text.encode()) > _LONGEST_NAME_BYTES:
        raise ValidationError(f"must have up to {_LONGEST_NAME_BYTES} bytes in UTF-8")


class Options(Schema):
    """Options of an AMQP sink, in the URL's query or in legwork.toml."""

    exchange = fields.String(
        load_default="legwork",
        validate=_name,
        metadata={"doc": "The exchange. An existing one is used as it is; a missing one is created, durable."},
    )
    exchange_type = fields.String(
        load_default="topic",
        validate=validate.OneOf(["direct", "fanout", "headers", "topic"]),
        metadata={"doc": "The type of a newly created exchange."},
    )
    routing_key = fields.String(
        load_default=None,
        validate=_name,
        metadata={"doc": "The routing key of every message. By default it is the record's type."},
    )
    ca_file = fields.String(
        load_default=None, metadata={"doc": "With `amqps`: a file of certificates to trust instead of the system's."}
    )


class AmqpSink(Sink):
    """`amqp://user:password@host:5672/vhost`, `amqps://…` (TLS): one persistent message per record.

    The broker confirms each one. A message that no queue receives is not delivered: it is retried until a queue is bound.
    """

    Options = Options

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if not parts.hostname or parts.query:
            raise ValidationError("must be amqp://user:password@host:5672/vhost, with no options but Legwork's", "url")
        if not self.options["exchange"] and not self.options["routing_key"]:
            raise ValidationError("must name the queue, since the exchange has no name", "routing_key")
        if len(unquote(parts.path.removeprefix("/")).encode()) > _LONGEST_NAME_BYTES:
            raise ValidationError(f"must have a vhost of up to {_LONGEST_NAME_BYTES} bytes in UTF-8", "url")
        # Without the host's name, the library accepts any certificate.
        tls = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": parts.hostname, "ca_certs": self.options["ca_file"]}
        self._tls = tls if parts.scheme == "amqps" else False
        # A connection is not thread-safe. Each thread takes one from here, or opens one, and puts it back.
        self._idle: list[Connection] = []

    def send(self, records: list[Record]) -> str:
        """Publish one record."""
        (record,) = records
        exchange, routing_key = self.options["exchange"], self.options["routing_key"] or record["type"]
        try:
            connection = self._connection()
            refusal = connection.publish(record, exchange, routing_key)
        except FAILURES as error:
            raise TemporaryFailure(str(error) or type(error).__name__) from error
        self._idle.append(connection)
        if refusal:
            raise TemporaryFailure(f"returned: no queue is bound to {exchange!r} for {routing_key!r} ({refusal})")
        return "confirmed"

    def check(self) -> str:
        """Connect, and create the exchange if it is missing; for the default exchange, look for the queue."""
        try:
            connection = self._connection()
            if not self.options["exchange"]:
                connection.look_for_queue(self.options["routing_key"])
            self._idle.append(connection)
        except FAILURES as error:
            raise TemporaryFailure(str(error) or type(error).__name__) from error
        return f"answers; the exchange is {self.options['exchange']!r}"

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> Connection:
        with suppress(IndexError):
            while not (connection := self._idle.pop()).is_alive():
                connection.drop()
            return connection
        return Connection(self.url, self._tls, self.options["exchange"], self.options["exchange_type"])

"""Append each record to a Redis stream."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import redis
from marshmallow import Schema, ValidationError, fields, validate
from redis.backoff import NoBackoff
from redis.retry import Retry

from schemas.settings.urls import with_tls_options_read
from worker.errors import PermanentFailure, TemporaryFailure
from worker.sinks.base import Record, Sink, call_sid_of

if TYPE_CHECKING:
    from schemas.settings import SinkSpec

TIMEOUT_SECONDS = 10.0
# redis-py's options that only change how a server is reached. Others change replies, or what is stored.
_THEIRS = {"client_name", "db", "health_check_interval", "password", "username"}
_THEIRS |= {"socket_connect_timeout", "socket_keepalive", "socket_timeout"}
# Errors of a server that is not, or no longer, the primary; the connection must be replaced.
_NOT_THE_PRIMARY = (redis.exceptions.ReadOnlyError, redis.BusyLoadingError, redis.exceptions.MasterDownError)
# More than a stream can hold, so that nothing is trimmed.
_ALL = 2**62


class Options(Schema):
    """Options of a Redis stream, in the URL's query or in legwork.toml."""

    stream = fields.String(
        load_default="calls", validate=validate.Length(min=1), metadata={"doc": "The key of the stream."}
    )
    maxlen = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1),
        metadata={"doc": "Keep about this many entries and drop the oldest, read or not. By default all are kept."},
    )


class RedisStreamSink(Sink):
    """`redis://:password@host:6379/0`, `rediss://…` (TLS): one entry per record.

    Its fields are `id`, `type`, `call_sid` and `event`, which is the whole record as JSON. The other options in the query
    are redis-py's: `ssl_…`, `socket_timeout`, `socket_keepalive`, `health_check_interval`, `client_name`, `username`.
    """

    Options = Options
    batch = 100

    def __init__(self, spec: SinkSpec) -> None:
        super().__init__(spec)
        parts = urlsplit(self.url)
        if not parts.hostname or not re.fullmatch(r"/?[0-9]*", parts.path):
            raise ValidationError("must be redis://host:6379/0", "url")
        strangers = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _THEIRS
        if wrong := sorted(name for name in strangers if not name.startswith("ssl_")):
            known = ", ".join(sorted(_THEIRS))
            raise ValidationError(
                f"has an option that is wrong: {', '.join(map(repr, wrong))}; there are {known}", "url"
            )
        try:
            url = with_tls_options_read(self.url)
        except ValidationError as error:
            raise ValidationError(error.messages, "url") from None
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                # A connection lost while idle is replaced at once; an outage is reported at once.
                retry=Retry(NoBackoff(), 1),
                protocol=2,
                client_name="legwork",
            )
            self._client.connection_pool.make_connection()
        except (TypeError, ValueError, redis.RedisError) as error:
            raise ValidationError(f"has an option that is wrong: {error}", "url") from error

    def send(self, records: list[Record]) -> str:
        """Append the records, all or none."""
        try:
            with self._client.pipeline(transaction=True) as pipe:
                for record in records:
                    pipe.xadd(self.options["stream"], _entry(record), maxlen=self.options["maxlen"], approximate=True)
                pipe.execute()
        except redis.RedisError as error:
            self._meet_the_primary_anew(error)
            # redis-py puts the command before the server's message.
            raise TemporaryFailure(str(error).rpartition(" caused error: ")[2]) from error
        return "added"

    def check(self) -> str:
        """Test what is stored under the stream's key, and whether it can be written."""
        stream = self.options["stream"]
        try:
            found: Any = self._client.type(stream)
            if found not in {b"none", b"stream"}:
                raise PermanentFailure(f"{stream} holds a {found.decode()}, not a stream; name another with stream=")
            with suppress(redis.exceptions.NoPermissionError):  # a user with only the right to XADD cannot be tested
                self._client.xtrim(stream, maxlen=_ALL, approximate=True)
        except redis.RedisError as error:
            self._meet_the_primary_anew(error)
            raise TemporaryFailure(str(error)) from error
        return f"answers; the stream is {stream}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _meet_the_primary_anew(self, error: redis.RedisError) -> None:
        """Drop the connections after a failover, so that the next attempt resolves the host name again."""
        if isinstance(error, _NOT_THE_PRIMARY):
            self._client.connection_pool.disconnect(inuse_connections=False)


def _entry(record: Record) -> dict[Any, Any]:
    return {
        "id": record["id"],
        "type": record["type"],
        "call_sid": call_sid_of(record) or "",
        "event": orjson.dumps(record),
    }

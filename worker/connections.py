"""Connect to Redis, with time-outs and one silent retry for a connection that was lost while idle."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.connection import HiredisRespSerializer
from redis.retry import Retry

from schemas.urls import take_apart

if TYPE_CHECKING:
    from schemas.settings import Settings

# A healthy server answers in a millisecond. The web process must answer well within Exotel's 15 s, and a worker
# that waits longer than this for Redis does better to try again.
SOCKET_TIMEOUT_SECONDS = 2.0


class ScriptPreload:
    """Loads the scripts on every new connection of a client.

    A restarted server knows no scripts, and the first command after it may be a pipeline that runs them by hash: it would
    fail, and a delivery that was made would count as not made.
    """

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}

    def add(self, name: str, source: str) -> None:
        """Load a script on all connections made from now on."""
        self._sources[name] = source

    def __call__(self, connection: redis.Connection) -> None:
        """Do redis-py's handshake, and load the scripts. Raises redis.RedisError as connecting does."""
        connection.on_connect()  # type: ignore[no-untyped-call]
        # Not redis-py's `client_name`, which closes the connection if the user may not set a name.
        commands = [("CLIENT", "SETNAME", "legwork"), *(("SCRIPT", "LOAD", text) for text in self._sources.values())]
        connection.send_packed_command(connection.pack_commands(commands))  # type: ignore[no-untyped-call]
        for _ in commands:
            with suppress(
                redis.ResponseError
            ):  # a user without the right to load them gets the error when they are used
                connection.read_response()


class Packer(HiredisRespSerializer):
    """Serializes commands as redis-py does, after turning numbers into text.

    hiredis calls Python to convert a number, during which Ctrl-C may raise, and does not check the result: an interrupted
    command sometimes ended in a segmentation fault.
    """

    def pack(self, *args: Any) -> list[bytes]:
        """Return a command's bytes for the wire."""
        texts: Any = (repr(arg) if type(arg) is int or type(arg) is float else arg for arg in args)
        packed: list[bytes] = super().pack(*texts)
        return packed


def connect(settings: Settings) -> redis.Redis:
    """Return a client for the ledger, safe to share between threads; nothing is connected yet.

    Answers are bytes. After a restart of Redis every pooled connection is dead: one immediate retry hides that. There is
    only one, so that an outage is reported at once.
    """
    if settings.redis_url is None:
        raise ValueError("REDIS_URL is not set")
    # redis-py accepts it for TCP only.
    keepalive: dict[str, Any] = {} if settings.redis_url.startswith("unix:") else {"socket_keepalive": True}
    return redis.Redis.from_url(
        settings.redis_url,
        redis_connect_func=ScriptPreload(),
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        **keepalive,
        retry=Retry(NoBackoff(), 1),
        # A primary that became a replica may keep its connections; the host name is resolved again to find the new primary.
        retry_on_error=[redis.ReadOnlyError],
        protocol=2,
        command_packer=Packer(),
    )


def celery_broker(settings: Settings) -> str:
    """Return the broker's URL in Celery's spelling: a unix socket is `redis+socket://` there."""
    url = settings.broker_url or settings.redis_url or ""
    if not url.startswith("unix:"):
        return url
    parts = take_apart(url)
    database = dict(pair.partition("=")[::2] for pair in parts.query.split("&")).get("db", "0")
    return str(replace(parts, scheme="redis+socket", query=f"virtual_host={database}"))

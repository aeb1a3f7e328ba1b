"""How we connect to Redis: time-outs, and one silent retry for a connection that died while it lay idle."""

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

# A healthy server answers in a millisecond. The door promises an answer long before Exotel's 15 s are over, and a worker
# that waits longer than this for Redis does better to look again.
SOCKET_TIMEOUT_SECONDS = 2.0


class ScriptPreload:
    """The scripts that every new connection of a client brings along.

    A server that was started again knows none, and whoever comes back to it may come with a pipeline that names them by
    their hash: what was queued on it would fail, and a delivery that was made count as not made.
    """

    def __init__(self) -> None:
        self._sources: dict[str, str] = {}

    def add(self, name: str, source: str) -> None:
        """Have connections that are made from now on load it."""
        self._sources[name] = source

    def __call__(self, connection: redis.Connection) -> None:
        """Greet the server as redis-py does, and load them. Raises redis.RedisError as connecting does."""
        connection.on_connect()  # type: ignore[no-untyped-call]
        # Not redis-py's `client_name`, which ends the connection where a user may not name it.
        commands = [("CLIENT", "SETNAME", "legwork"), *(("SCRIPT", "LOAD", text) for text in self._sources.values())]
        connection.send_packed_command(connection.pack_commands(commands))  # type: ignore[no-untyped-call]
        for _ in commands:
            with suppress(redis.ResponseError):  # who may not load them now is told so where they are used
                connection.read_response()


class Packer(HiredisRespSerializer):
    """Writes commands down as redis-py does, numbers as texts first.

    hiredis asks Python for the text of a number, which lets Ctrl-C in, and does not look whether it got one: a command that
    was broken off ended with a segmentation fault, now and then.
    """

    def pack(self, *args: Any) -> list[bytes]:
        """Return a command as it is sent."""
        texts: Any = (repr(arg) if type(arg) is int or type(arg) is float else arg for arg in args)
        packed: list[bytes] = super().pack(*texts)
        return packed


def connect(settings: Settings) -> redis.Redis:
    """Return a client for the ledger, safe to share between threads; nothing is connected yet.

    Answers are bytes. After a restart of Redis every pooled connection is dead: one immediate retry hides that, and no
    more than one, so that an outage is reported at once.
    """
    if settings.redis_url is None:
        raise ValueError("REDIS_URL is not set")
    # redis-py takes it for TCP alone.
    keepalive: dict[str, Any] = {} if settings.redis_url.startswith("unix:") else {"socket_keepalive": True}
    return redis.Redis.from_url(
        settings.redis_url,
        redis_connect_func=ScriptPreload(),
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        **keepalive,
        retry=Retry(NoBackoff(), 1),
        # A primary that has become a replica may keep its connections. The name leads elsewhere by now: it is asked again.
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

"""How we connect to Redis: time-outs, and one silent retry for a connection that died while it lay idle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from schemas.settings import Settings

# A healthy server answers in a millisecond. The door promises an answer long before Exotel's 15 s are over, and a worker
# that waits longer than this for Redis does better to look again.
SOCKET_TIMEOUT_SECONDS = 2.0


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
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        **keepalive,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
        client_name="legwork",
    )


def celery_broker(settings: Settings) -> str:
    """Return the broker's URL in Celery's spelling: a unix socket is `redis+socket://` there."""
    url = settings.broker_url or settings.redis_url or ""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = dict(pair.partition("=")[::2] for pair in parts.query.split("&")).get("db", "0")
    # By hand: `urlunsplit` would drop the slashes before an empty host, and kombu takes what has none for a host's name.
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def without_password(url: str) -> str:
    """Return a URL fit for a log: its password, if any, replaced by ***."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))

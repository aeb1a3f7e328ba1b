"""Servers that tests use where they are: PostgreSQL, MariaDB, RabbitMQ. Without one a laptop skips, and CI fails."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

import pytest

POSTGRESQL = os.environ.get("TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
MYSQL = os.environ.get("TEST_MYSQL", "mysql://root@127.0.0.1:3306/test")
RABBITMQ = os.environ.get("TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/")


def need(url: str) -> str:
    """Return the URL of a server that is there."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=2).close()
    except OSError as error:
        missing = f"no {parts.scheme} server at {parts.hostname}:{parts.port}: {error}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return url

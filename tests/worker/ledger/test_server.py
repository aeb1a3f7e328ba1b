"""What a Redis says of itself: INFO, HELLO, or nothing at all."""

from __future__ import annotations

import pytest
import redis

from worker.errors import LedgerUnusable
from worker.ledger.server import about_server, check_version, greet_server
from worker.process import embedded_redis


@pytest.fixture
def mute(tmp_path):
    """A server that does not know INFO, as with some providers."""
    server = embedded_redis.start(tmp_path, settings='appendonly no\nsave ""\nrename-command INFO ""\n')
    with redis.Redis.from_url(server.url, protocol=2) as client:
        yield client
    server.stop()


def test_hello_says_what_info_does_about_the_kind_of_server(client):
    told, greeted = about_server(client, "server", "replication", "cluster"), greet_server(client)
    assert greeted["role"] == told["role"] == "master"
    assert greeted["cluster_enabled"] == told["cluster_enabled"] == 0
    assert greeted["redis_mode"] == told.get("redis_mode", told.get("server_mode"))
    assert greeted["redis_version"] == told.get("valkey_version", told["redis_version"])


def test_a_server_that_says_nothing_is_tried(mute):
    assert about_server(mute, "server", "memory") == {}
    assert greet_server(mute)["role"] == "master"
    check_version({})


def test_a_server_that_is_away_is_no_server_that_says_nothing():
    with redis.Redis.from_url(f"redis://127.0.0.1:{embedded_redis.free_port()}/0") as nobody:
        for ask in (about_server, greet_server):
            with pytest.raises(redis.ConnectionError):
                ask(nobody, *(["server"] if ask is about_server else []))


@pytest.mark.parametrize("version", ["6.2.14", "6", "2.8.17", "v6.2"])
def test_a_server_too_old_is_told_so(version):
    with pytest.raises(LedgerUnusable, match=version):
        check_version({"redis_version": version})


@pytest.mark.parametrize("version", ["7", "7.0", "7.2.4", "v7.2", "V8", "255.255.255", "unstable", "", None])
def test_a_server_that_is_new_enough_is_taken_however_it_writes_its_version(version):
    """`7` and `v7.2` counted as too old, and web and worker did not start."""
    check_version({"redis_version": version})

"""How we connect to Redis."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest
import redis
from factories import ACCOUNT, make_settings
from kombu.exceptions import OperationalError
from processes import ROOT

from worker import connections
from worker.celery import QUEUE, make_celery
from worker.connections import celery_broker, connect
from worker.ledger import Ledger
from worker.process import embedded_redis
from worker.process.embedded_redis import free_port
from worker.tasks import FETCH


@pytest.fixture
def begin(tmp_path):
    servers = []

    def start(**options):
        servers.append(embedded_redis.start(tmp_path / "data", password="password", **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize("password", ["password", ""])
def test_a_unix_socket_will_do_for_the_ledger_and_for_the_broker(tmp_path, begin, password):
    door = "" if password else 'requirepass ""\n'
    begin(settings=f'appendonly no\nsave ""\nunixsocket {tmp_path}/redis.sock\n{door}')
    user = f":{password}@" if password else ""
    settings = make_settings(f"unix://{user}{tmp_path}/redis.sock?db=3")
    app = make_celery(settings)
    with connect(settings) as client, app.producer_or_acquire() as producer:
        assert Ledger(client, settings).open()
        app.send_task(FETCH, ("acme1m", "call0001", "1"), producer=producer, ignore_result=True)
        assert client.llen(QUEUE) == 1, "in the same database"
    app.close()


def ping_ledger(settings):
    with connect(settings) as client:
        client.ping()


def ping_broker(settings):
    app = make_celery(settings)
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0)
    app.close()


@pytest.mark.parametrize("ping", [ping_ledger, ping_broker])
def test_rediss_is_spoken_under_tls_by_the_ledger_and_the_broker(ping):
    heard = []

    def listen(listener):
        connection, _ = listener.accept()
        with connection:
            listener.close()
            heard.append(connection.recv(1))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        with pytest.raises((redis.ConnectionError, OperationalError)):
            ping(make_settings(f"rediss://:password@127.0.0.1:{listener.getsockname()[1]}/0"))
        thread.join()
    assert heard == [b"\x16"], "a TLS record of a handshake"


def test_a_connection_that_died_while_idle_is_not_noticed(begin):
    port = free_port()
    server = begin(port=port)
    with connect(make_settings(server.url)) as client:
        client.set("key", "value")
        server.stop()
        begin(port=port)
        assert client.get("key") == b"value"


def test_a_server_that_is_not_there_is_reported_without_waiting_for_it(monkeypatch):
    monkeypatch.setattr(connections, "SOCKET_TIMEOUT_SECONDS", 3600)
    with connect(make_settings(f"redis://127.0.0.1:{free_port()}/0")) as client, pytest.raises(redis.ConnectionError):
        client.ping()


BROKEN_OFF = """
import random, signal
from worker.connections import Packer

def break_off(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, break_off)
packer, command = Packer(), ("SET", *range(500), *[number / 7 for number in range(500)])
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.002))
        while True:
            packer.pack(*command)
    except KeyboardInterrupt:
        pass
"""


def test_a_command_that_is_broken_off_by_ctrl_c_does_not_end_the_process():
    """hiredis ended it with SIGSEGV: once in forty of long replays, and within a second here."""
    subprocess.run([sys.executable, "-c", BROKEN_OFF], cwd=ROOT, timeout=60, check=True)


@pytest.mark.parametrize("number", [0, -1, 2**70, 0.1, 1e22, 1_790_000_000_000.123, float("inf")])
def test_a_number_is_written_as_redis_py_writes_it(client, number):
    client.set("key", number)
    assert client.get("key") == repr(number).encode()


def test_one_client_is_shared_by_threads(redis_url):
    with connect(make_settings(redis_url)) as client:
        threads = [threading.Thread(target=lambda: [client.incr("n") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("n") == b"400"


def test_without_a_url_there_is_nothing_to_connect_to(redis_url):
    settings = make_settings(redis_url)
    object.__setattr__(settings, "redis_url", None)
    with pytest.raises(ValueError, match="REDIS_URL"):
        connect(settings)


@pytest.mark.parametrize(
    ("variables", "broker"),
    [
        ({"redis_url": "redis://h:1/2"}, "redis://h:1/2"),
        ({"redis_url": "redis://h:1/2", "broker_url": "rediss://b:3/4"}, "rediss://b:3/4"),
        ({"redis_url": "unix:///run/redis.sock"}, "redis+socket:///run/redis.sock?virtual_host=0"),
        ({"redis_url": "unix://:pw@/run/r.sock?db=5"}, "redis+socket://:pw@/run/r.sock?virtual_host=5"),
    ],
)
def test_celerys_spelling_of_the_broker(variables, broker):
    assert celery_broker(make_settings(**variables)) == broker


def test_a_server_that_was_started_again_is_given_the_scripts_before_a_pipeline_names_them(begin):
    """For up to a second it was not, and deliveries that had been made counted as not made."""
    server = begin()
    settings = make_settings(server.url)
    with connect(settings) as client:
        book = Ledger(client, settings).calls[ACCOUNT]
        before = survey(book, client)
        server.stop()
        begin(port=client.connection_pool.connection_kwargs["port"])
        assert survey(book, client) == before


def survey(book, client):
    pipeline = client.pipeline(transaction=False)
    book.fetches.survey_on(pipeline)
    return pipeline.execute()[0]

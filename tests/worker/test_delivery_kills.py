"""Workers are killed with -9, again and again, in the middle of deliveries: every sink has every record in the end."""

from __future__ import annotations

import os
import random
import secrets
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pytest
import sqlalchemy as sa
from factories import ACCOUNT, make_settings
from payloads.records import build, callback, legs_of
from processes import WORKER, Process, until
from services import POSTGRESQL, need
from stubs import StubServer, answer, held

from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.queries.totals import totals_of_sink
from worker.process import embedded_redis

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WAVES, CALLS_A_WAVE, WORKERS, LEGS = 6, 35, 2, 2
ANSWER = legs_of(("outbound", "09000000001", "completed", 25), ("outbound-dial", "09000000002", "completed", 9))
# A worker that was killed is missed after 15 s of silence; only then is what it had begun due again. On a machine that does
# ten other things a worker takes most of a minute to start. Only a hang is waited for in vain.
PATIENCE_SECONDS = 240
# For so long the ledger takes no writes, unless the rows are there before.
PAUSE_SECONDS = 30


class Subscriber:
    """A webhook that can be told to keep its answers to itself; what it has not answered it has not taken."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.taken = []
        self.server = StubServer()
        self.server.choose(self._reply)

    def _reply(self, seen):
        if self.gate.is_set():
            self.taken.append(seen)
        return held(self.gate, answer(status=204))

    def posts(self):
        return list(self.server.seen)


class Supervisor:
    """Two workers; whoever is killed is followed by another one."""

    def __init__(self, folder, **variables):
        self._folder, self._variables = folder, variables
        self._workers, self._dice = [], random.Random(4)
        self.killed = 0
        self.fill_up()

    def fill_up(self):
        while len(self._workers) < WORKERS:
            self._workers.append(Process(WORKER, self._folder, **self._variables))

    def kill(self, number):
        for _ in range(number):
            worker = self._workers.pop(self._dice.randrange(len(self._workers)))
            assert worker.runs, worker.err.read_text()
            os.kill(worker._process.pid, signal.SIGKILL)
            assert worker.wait() == -signal.SIGKILL
            self.killed += 1

    def stop(self):
        for worker in self._workers:
            worker.stop()

    def pause(self):
        """A moment that nobody has chosen."""
        time.sleep(self._dice.uniform(0.05, 0.5))


@dataclass
class Scene:
    """What the kills are made with."""

    ledger: Ledger
    crew: Supervisor
    subscriber: Subscriber
    database: Path

    def __post_init__(self):
        self.sids = []
        #: How many rows were there, and not noted in the ledger, when nobody was alive.
        self.written_not_noted = 0

    @property
    def sinks(self):
        return [spec.name for spec in self.ledger.settings.sinks]

    def queue_calls(self):
        """Put records on the backlog of every sink; nobody has to fetch anything for it."""
        for _ in range(CALLS_A_WAVE):
            sid = f"killedwhiledelivered{len(self.sids):04}"
            record = build(ANSWER, [callback()], call_sid=sid)
            assert self.ledger.calls[ACCOUNT].announce(sid, record, self.sinks)
            self.sids.append(sid)

    def rows(self):
        if not self.database.exists():
            return 0
        with closing(sqlite3.connect(self.database, timeout=30)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchall():
                return 0
            return database.execute("SELECT count(*) FROM calls").fetchone()[0]

    def standing(self, sink):
        return totals_of_sink(self.ledger, sink, {})

    def begun(self, sink):
        """How much of what was queued last has a worker begun to deliver? What dead ones had begun is leased still."""
        fences = self.ledger.client.hgetall(self.ledger.deliveries[ACCOUNT, sink].backlog.keys[5])
        fresh = {f"{sid}/1/completed".encode() for sid in self.sids[-CALLS_A_WAVE:]}
        return sum(item in fresh and fence.split()[3] != b"0" for item, fence in fences.items())

    @contextmanager
    def locked(self):
        """Nobody can write to SQLite."""
        with closing(sqlite3.connect(self.database, timeout=30, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")


def kill_while_the_webhook_is_waited_for(scene):
    """Requests have arrived, and will never be answered: nobody knows that they did."""
    scene.subscriber.gate.clear()
    before = len(scene.subscriber.posts())
    scene.queue_calls()
    until(lambda: len(scene.subscriber.posts()) > before, PATIENCE_SECONDS)
    scene.crew.kill(WORKERS)
    scene.subscriber.gate.set()


def kill_between_the_commit_and_the_note(scene):
    """Rows are written while the ledger takes no notes: nobody knows that they are there."""
    sink = scene.sinks[1]
    with scene.locked():
        scene.queue_calls()
        until(lambda: scene.begun(sink) == CALLS_A_WAVE, PATIENCE_SECONDS)
        rows = scene.rows()
        scene.ledger.client.client_pause(PAUSE_SECONDS * 1000, all=False)
    try:
        # A worker that gives Redis up meanwhile has written all the same, and still noted nothing.
        deadline = time.monotonic() + PAUSE_SECONDS / 2
        while scene.rows() == rows and time.monotonic() < deadline:
            time.sleep(0.01)
        scene.crew.kill(WORKERS)
    finally:
        scene.ledger.client.client_unpause()
    scene.written_not_noted += scene.rows() - scene.standing(sink).delivered


def kill_one_at_any_moment(scene):
    scene.queue_calls()
    scene.crew.pause()
    scene.crew.kill(1)


@pytest.fixture(scope="module")
def table():
    return f"kills_{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def postgresql(table):
    """A sink, where there is a server; what it has written is dropped in the end."""
    try:
        url = need(POSTGRESQL)
    except pytest.skip.Exception:
        yield None
        return
    yield f"{url}?table={table}"
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for name in (table, f"{table}_legs", f"{table}_schema"):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    engine.dispose()


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory, postgresql):
    """Wave after wave of records, and in the middle of each a kill; then calm, until nothing is owed to anybody."""
    folder = tmp_path_factory.mktemp("kills")
    server = embedded_redis.start(folder / "redis")
    subscriber = Subscriber()
    database = folder / "calls.db"
    sinks = [f"{subscriber.server.url}/hook?allow_private=true", f"sqlite:///{database}", postgresql]
    variables = {"redis_url": server.url, "sinks": " ".join(filter(None, sinks))}
    settings = make_settings(**variables)
    crew = Supervisor(folder / "workers", **variables)
    try:
        with connect(settings) as client:
            ledger = Ledger(client, settings)
            ledger.open()
            scene = Scene(ledger, crew, subscriber, database)
            scene.queue_calls()
            until(lambda: scene.rows() == CALLS_A_WAVE, PATIENCE_SECONDS)  # now the tables are there
            kinds = [kill_while_the_webhook_is_waited_for, kill_between_the_commit_and_the_note, kill_one_at_any_moment]
            for wave in range(WAVES):
                kinds[wave % len(kinds)](scene)
                crew.fill_up()
            until(lambda: not any(scene.standing(sink).waiting for sink in scene.sinks), PATIENCE_SECONDS)
            yield scene
    finally:
        crew.stop()
        subscriber.gate.set()
        subscriber.server.close()
        server.stop()


def test_they_were_killed_when_it_hurts(aftermath):
    """Else nothing below would prove anything."""
    assert aftermath.crew.killed == WAVES // 3 * (WORKERS + WORKERS + 1)
    assert aftermath.written_not_noted > 0
    assert len(aftermath.subscriber.posts()) > len(aftermath.sids)


def test_nothing_is_owed_and_nothing_was_given_up_on(aftermath):
    for sink in aftermath.sinks:
        standing = aftermath.standing(sink)
        assert (standing.waiting, standing.delivered, standing.dead) == (0, len(aftermath.sids), 0)


def test_the_webhook_has_every_record(aftermath):
    subjects = {orjson.loads(post.body)["subject"] for post in aftermath.subscriber.taken}
    assert subjects == set(aftermath.sids)


def test_what_came_to_the_webhook_twice_came_under_the_same_id_and_was_the_same(aftermath):
    posts = {(post.headers["webhook-id"], post.body) for post in aftermath.subscriber.posts()}
    assert len(posts) == len({known_as for known_as, _ in posts}) == len(aftermath.sids)


def test_sqlite_has_one_row_a_call_and_each_leg_once(aftermath):
    with closing(sqlite3.connect(aftermath.database)) as database:
        calls = database.execute("SELECT call_sid FROM calls").fetchall()
        legs = database.execute("SELECT call_sid FROM calls_legs").fetchall()
    assert_once(aftermath, calls, legs)


def test_postgresql_has_one_row_a_call_and_each_leg_once(aftermath, table):
    engine = sa.create_engine(need(POSTGRESQL).replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        calls, legs = (
            connection.execute(sa.text(f"SELECT call_sid FROM {name}")).fetchall() for name in (table, f"{table}_legs")
        )
    engine.dispose()
    assert_once(aftermath, calls, legs)


def assert_once(aftermath, calls, legs):
    assert Counter(sid for (sid,) in calls) == Counter(aftermath.sids)
    assert Counter(sid for (sid,) in legs) == Counter(aftermath.sids * LEGS)

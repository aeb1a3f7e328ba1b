"""PostgreSQL behind a pooler in transaction mode, as Supabase, Heroku and DigitalOcean have it."""

from __future__ import annotations

import threading

from pgbouncer import pooled
from sink_contract import record
from sql_kit import opened

from worker.errors import LegworkError


def test_each_transaction_may_be_led_to_another_connection(make_web, tmp_path):
    """Of 360 deliveries 31 failed: `prepared statement "_pg3_0" already exists`, `does not exist`, or another's was run."""
    database = make_web("postgresql")
    failures = []
    with pooled(database.url, tmp_path, connections=3) as url:
        sinks = [opened(url, table=database.table) for _ in range(2)]  # each makes up names of its own
        assert "are there" in sinks[0].check()

        def write(number):
            for turn in range(20):
                calls = [record(100 * number + turn + at) for at in range(turn % 3 + 1)]
                try:
                    sinks[number % 2].send(calls)
                except LegworkError as failure:
                    failures.append(str(failure))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for sink in sinks:
            sink.close()
    assert failures == []
    assert len(database.records()) == 8 * 21  # 20 turns, and one call that the last one has besides

"""Sinks as the command line, the API and the console tell of them."""

from __future__ import annotations

import pytest
from factories import make_settings

from webhook.operations.sinks import SinkOperations
from worker.connections import connect
from worker.ledger import Ledger


@pytest.fixture
def round_trips(redis_url, client):
    """How often a client waits for Redis while so many sinks are described."""

    def count(number):
        settings = make_settings(redis_url, sinks=" ".join(f"file:{one}.jsonl" for one in range(number)))
        with connect(settings) as own:
            operations = SinkOperations(Ledger(own, settings))
            assert len(operations.descriptions()) == number  # and the scripts are known from here on
            before = client.info("stats")["total_reads_processed"]
            operations.descriptions()
            return client.info("stats")["total_reads_processed"] - before

    return count


def test_all_sinks_are_described_in_as_many_round_trips_as_one(round_trips):
    assert round_trips(20) == round_trips(1)

"""Sinks as the command line, the API and the console tell of them."""

from __future__ import annotations

import pytest
from factories import make_settings

from webhook.operations.sinks import SinkOperations
from worker.connections import connect
from worker.ledger import Ledger


@pytest.fixture
def round_trips(redis_url, client):
    """How often Redis reads from a client while so many sinks are described."""

    def count(number):
        settings = make_settings(redis_url, sinks=" ".join(f"file:{one}.jsonl" for one in range(number)))
        with connect(settings) as own:
            operations = SinkOperations(Ledger(own, settings))
            assert len(operations.descriptions()) == number  # and the scripts are known from here on
            before = client.info("stats")["total_reads_processed"]
            operations.descriptions()
            return client.info("stats")["total_reads_processed"] - before

    return count


def test_sinks_are_described_without_a_round_trip_for_each(round_trips):
    """What is sent at once may be read in two pieces, so a few reads more are none of another round trip."""
    assert round_trips(20) < round_trips(1) + 10

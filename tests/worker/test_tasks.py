"""What Celery carries gets there, or whoever sends it is told."""

from __future__ import annotations

import pytest
from factories import ACCOUNT, make_settings
from kombu.exceptions import OperationalError
from structlog.testing import capture_logs
from worker_kit import SID, Workbench

from worker.celery import make_celery
from worker.ledger.backlog import Lease
from worker.tasks import DELIVER, FETCH, Carrier, register


@pytest.fixture
def bench(client, redis_url, exotel):
    found = Workbench(client, redis_url, exotel.url)
    yield found
    found.close()


@pytest.fixture
def app(redis_url):
    found = make_celery(make_settings(redis_url))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("task", "arguments", "event"),
    [
        (FETCH, ("gone1m", SID, "1"), "call.not_ours"),
        (DELIVER, ("gone1m", "hook", [[SID, "1"]]), "delivery.not_ours"),
        (DELIVER, (ACCOUNT, "gone", [[SID, "1"]]), "delivery.not_ours"),
    ],
)
def test_a_message_about_what_the_settings_do_not_name_says_so_and_harms_nobody(app, bench, task, arguments, event):
    """A worker with the settings of yesterday was handed a call of a new account: a KeyError, and a traceback."""
    register(app, bench.context)
    with capture_logs() as logs:
        app.tasks[task](*arguments)
    assert [line["event"] for line in logs] == [event]
    assert bench.nudges == 1


def test_a_connection_that_was_closed_under_us_is_a_broker_that_is_away(app):
    """kombu's channel of a connection that another thread had closed raised an AttributeError: the dispatcher took it for a
    bug, and said so every tick of an outage."""
    carrier = Carrier(app)
    carrier.fetch(ACCOUNT, [Lease(SID, "1")])
    with app.producer_pool.acquire() as producer:
        producer.channel.connection = None
    with pytest.raises(OperationalError, match="the broker's connection is gone"):
        carrier.fetch(ACCOUNT, [Lease(SID, "2")])
    carrier.fetch(ACCOUNT, [Lease(SID, "3")])  # over a new one

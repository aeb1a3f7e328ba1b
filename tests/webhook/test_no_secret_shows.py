"""Whatever a password in a URL looks like, no part of it shows: in no log, command, page, answer, reason or operator record."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import structlog
from cli_kit import keep_no_loggers, logs_as_they_were, run, settle
from factories import ACCOUNT, make_settings
from hypothesis import example, given
from hypothesis import strategies as some
from processes import WORKER, Process, until
from searching import PASSWORDS, SID, assert_nothing_shows, few, told_by_commands, told_by_pages
from services import MYSQL, POSTGRESQL, RABBITMQ, need
from worker_kit import MemorySink

from schemas.record_types import OPERATOR_TYPES
from schemas.settings import SettingsError, SinkSpec
from worker.context import WorkerContext
from worker.ledger import Ledger
from worker.logs import set_up_logs
from worker.sinks import sink_for
from worker.steps.deliver import deliver

#: Enough for a sink to be called failing; then its deliveries die.
ATTEMPTS = 11


def fails_to_authenticate(url):
    """A server's URL for somebody whom it does not know, with a place for the password."""
    scheme, _, rest = need(url).partition("://")
    return f"{scheme}://nobody:{{}}@{rest.rpartition('@')[2]}"


@pytest.fixture
def url_of(request, echo, redis_url):
    """What makes a URL of a kind, with a place for the password."""
    urls = {
        "postgresql": lambda: fails_to_authenticate(POSTGRESQL),
        "mysql": lambda: fails_to_authenticate(MYSQL),
        "amqp": lambda: fails_to_authenticate(RABBITMQ),
        "redis": lambda: f"redis://nobody:{{}}@{redis_url.rpartition('@')[2]}",
        "nobody there": lambda: "postgresql://nobody:{}@127.0.0.1:1/calls",
        "rediss": lambda: "rediss://:{}@127.0.0.1:1/0?ssl_cert_reqs=CERT_NONE",
        "http": lambda: f"{echo.url.replace('://', '://nobody:{}@', 1)}/hooks?allow_private=true",
        "token": lambda: f"{echo.url}/hooks?allow_private=true&token={{}}",
        "user alone": lambda: f"{echo.url.replace('://', '://{}@', 1)}/hooks?allow_private=true",
        "kafka": lambda: "kafka://nobody:{}@127.0.0.1:1?security.protocol=sasl_plaintext",
        "s3": lambda: "s3://AKIAEXAMPLE:{}@bucket/prefix?region=x&endpoint_override=127.0.0.1:1&scheme=http",
        "gs": lambda: "gs://anonymous:{}@bucket/prefix",
    }
    return urls[request.param]


def told_by_deliveries(settings, client):
    """Deliver until the sink is failing and the delivery dead: the log, and what the operator is told."""
    client.flushall()
    specs = {spec.name: spec for spec in settings.sinks}
    pager = MemorySink(specs["pager"])
    log = io.StringIO()
    with logs_as_they_were():
        set_up_logs(settings, stream=log)
        keep_no_loggers()
        ledger = Ledger(client, settings)
        ledger.open()
        settle(ledger, SID)
        context = WorkerContext(settings, ledger, {"crm": sink_for(specs["crm"]), "pager": pager}, dice=lambda: 0.0)
        try:
            context.sinks["crm"].open()
            for _ in range(ATTEMPTS):
                book = ledger.deliveries[ACCOUNT, "crm"]
                for item in client.scan_iter("*"):  # all that waits is due
                    if client.type(item) == b"zset" and b"due" in item:
                        for member in client.zrange(item, 0, -1):
                            client.zadd(item, {member: 1})
                deliver(context, ACCOUNT, "crm", book.backlog.lease(10))
            deliver(context, ACCOUNT, "pager", ledger.deliveries[ACCOUNT, "pager"].backlog.lease(10))
        finally:
            context.sinks["crm"].close()
            for one in context.clients.values():
                one.close()
            ledger.meters.close()
        structlog.get_logger("test").warning("all that is configured", settings=[spec.url for spec in settings.sinks])
    assert "sink.failing" in log.getvalue()
    types = [record["type"] for records in pager.sent for record in records]
    assert "legwork.operator.sink_failing" in types
    return log.getvalue() + json.dumps(pager.sent)


@pytest.mark.parametrize(
    "url_of",
    ["postgresql", "mysql", "amqp", "redis", "nobody there", "rediss", "http", "token", "user alone"],
    indirect=True,
)
def test_a_sinks_password_shows_nowhere(url_of, client, redis_url, echo):
    template = url_of()

    @few(6)
    @given(PASSWORDS)
    @example("Qzx7w@jKv9Q")
    @example("Qzx7w/jKv9Q")
    @example("12#Qzx7w")
    @example("[Qzx7w]%&=+:jKv9Q")
    def shows_nowhere(password):
        url = template.format(password)
        variables = {"exotel_base_url": echo.url, "delivery_schedule": "1 " * (ATTEMPTS - 1), "confirm_seconds": 0}
        try:
            settings = make_settings(redis_url, sinks=url, **variables)
        except SettingsError as error:
            assert_nothing_shows(password, str(error))
            refused = run("check", redis_url=redis_url, sinks=url)
            assert refused.exit_code == 2
            assert_nothing_shows(password, refused.output)
            return
        pager = SinkSpec(name="pager", url="stdout:", types=OPERATOR_TYPES)
        settings = replace(settings, sinks=(SinkSpec(name="crm", url=url), pager))
        assert_nothing_shows(password, told_by_deliveries(settings, client))
        assert_nothing_shows(password, told_by_pages(settings))
        assert_nothing_shows(password, told_by_commands(redis_url=redis_url, sinks=url, exotel_base_url=echo.url))

    shows_nowhere()


@pytest.mark.parametrize("url_of", ["kafka", "s3", "gs"], indirect=True)
@pytest.mark.parametrize(
    "password",
    [
        "Qzx7w@jKv9Q",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ("Qzx7w/jKv9Q", "[Qzx7w]%&=+:jKv9Q", "Qzx7w%2FjKv9Q", "Qzx7w%zzjKv9Q")
        ),
    ],
)
def test_nor_does_one_of_those_that_take_their_time(url_of, redis_url, echo, password):
    """A secret key with a slash was printed whole; half of Amazon's hold one."""
    url = url_of().format(password)
    for command in (("check",), ("sinks", "list")):
        assert_nothing_shows(password, run(*command, redis_url=redis_url, sinks=url, exotel_base_url=echo.url).output)


@pytest.mark.parametrize("name", ["redis_url", "broker_url"])
def test_nor_does_the_password_of_redis(redis_url, echo, name):
    @few(25)
    @given(PASSWORDS, some.sampled_from(["nobody", "default", ""]), some.booleans())
    @example("12#Qzx7w", "default", False)
    @example("#Qzx7w", "default", False)
    def shows_nowhere(password, user, is_there):
        place = redis_url.rpartition("@")[2] if is_there else "127.0.0.1:1/0"
        urls = {"redis_url": redis_url, name: f"redis://{user}:{password}@{place}"}
        said = told_by_commands((("check",), ("status",)), **urls, exotel_base_url=echo.url)
        assert_nothing_shows(password, said)

    shows_nowhere()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["127.0.0.1:1/0", ""])
def test_nor_does_it_in_the_log_of_a_worker_that_cannot_get_there(tmp_path, redis_url, place):
    password = "Qzx7w@[jKv9Q]%wXqZvJ&=+"
    url = f"redis://default:{password}@{place or redis_url.rpartition('@')[2]}"
    worker = Process(WORKER, tmp_path, redis_url=url, sinks="stdout:")
    try:
        worker.wait_for("ledger.unreachable")
    finally:
        worker.stop()
    assert_nothing_shows(password, worker.err.read_text() + worker.out.read_text())


@pytest.mark.slow
def test_nor_does_the_brokers_in_what_celery_says(tmp_path, redis_url):
    password = "Qzx7w@[jKv9Q]%wXqZvJ&=+"
    url = f"redis://default:{password}@{redis_url.rpartition('@')[2]}"
    worker = Process(WORKER, tmp_path, redis_url=redis_url, broker_url=url, sinks="stdout:")
    try:
        until(lambda: "Cannot connect" in worker.err.read_text())
    finally:
        worker.stop()
    assert_nothing_shows(password, worker.err.read_text() + worker.out.read_text())

"""Whatever a password in a URL looks like, no part of it shows: in no log, command, page, answer, reason or operator record."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
import structlog
from cli_kit import logs_as_they_were, run, settle
from factories import ACCOUNT, make_settings
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tuned
from hypothesis import strategies as some
from processes import WORKER, Process, until
from services import MYSQL, POSTGRESQL, RABBITMQ, need
from stubs import StubServer, answer
from subscribing import KEY
from worker_kit import MemorySink

from schemas.settings import SettingsError, SinkSpec
from webhook import create_app
from worker.connections import connect
from worker.context import WorkerContext
from worker.ledger import Ledger
from worker.logs import set_up_logs
from worker.sinks import sink_for
from worker.steps.announce import OPERATOR_EVENTS
from worker.steps.deliver import deliver

SID = "call0001"
# No message has these by chance.
WORDS = ("Qzx7w", "jKv9Q", "wXqZvJ")
PASSWORDS = some.lists(some.sampled_from([*WORDS, *"@/#?:%[]&=+"]), min_size=1, max_size=7).map("".join)
TELLING = {word[at : at + 4] for word in WORDS for at in range(len(word) - 3)}
PAGES = (
    "/", "/sinks", "/sinks/crm", "/dead", "/accounts", f"/calls/{SID}", "/readyz", "/metrics", "/api/status",
    "/api/sinks", "/api/sinks/crm", "/api/dead", f"/api/calls/{SID}", f"/api/dead/{SID}",
)  # fmt: skip
COMMANDS = (("check",), ("status",), ("sinks", "list"), ("dead", "list"), ("dead", "show", SID), ("calls", "show", SID))
#: Enough for a sink to be called failing; then its deliveries die.
ATTEMPTS = 11


def fails_to_authenticate(url):
    """A server's URL for somebody whom it does not know, with a place for the password."""
    scheme, _, rest = need(url).partition("://")
    return f"{scheme}://nobody:{{}}@{rest.rpartition('@')[2]}"


@pytest.fixture
def echo():
    """A receiver that refuses records, and repeats all that it was sent."""

    def repeated(seen):
        return answer(
            {"you_sent": seen.target, "headers": dict(seen.headers)}, 500, X_Seen=seen.headers["Authorization"] or ""
        )

    with StubServer() as server:
        server.choose(repeated)
        yield server


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


def assert_nothing_shows(password, text):
    shown = {piece for piece in TELLING if piece in password and piece in text}
    assert not shown, [line for line in text.splitlines() if any(piece in line for piece in shown)]


def told_by_commands(commands=COMMANDS, **environ):
    return "\n".join(run(*command, *more, **environ).output for command in commands for more in ((), ("--json",)))


def told_by_deliveries(settings, client):
    """Deliver until the sink is failing and the delivery dead: the log, and what the operator is told."""
    client.flushall()
    specs = {spec.name: spec for spec in settings.sinks}
    pager = MemorySink(specs["pager"])
    log = io.StringIO()
    with logs_as_they_were():
        set_up_logs(settings, stream=log)
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


def told_by_pages(settings):
    app = create_app(settings)
    try:
        answers = [
            app.test_client().get(page, headers={"Accept": kind}) for page in PAGES for kind in ("text/html", "*/*")
        ]
        return "\n".join(answer.text for answer in answers)
    finally:
        app.extensions["legwork"].ledger.client.close()


@pytest.mark.parametrize(
    "url_of",
    ["postgresql", "mysql", "amqp", "redis", "nobody there", "rediss", "http", "token", "user alone"],
    indirect=True,
)
def test_a_sinks_password_shows_nowhere(url_of, client, redis_url, echo):
    template = url_of()

    @tuned(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
        pager = SinkSpec(
            name="pager", url="stdout:", types=tuple(f"legwork.operator.{name}" for name in OPERATOR_EVENTS)
        )
        settings = replace(settings, sinks=(SinkSpec(name="crm", url=url), pager))
        assert_nothing_shows(password, told_by_deliveries(settings, client))
        assert_nothing_shows(password, told_by_pages(settings))
        assert_nothing_shows(password, told_by_commands(redis_url=redis_url, sinks=url, exotel_base_url=echo.url))

    shows_nowhere()


@pytest.mark.parametrize("url_of", ["kafka", "s3", "gs"], indirect=True)
@pytest.mark.parametrize(
    "password", ["Qzx7w/jKv9Q", "Qzx7w@jKv9Q", "[Qzx7w]%&=+:jKv9Q", "Qzx7w%2FjKv9Q", "Qzx7w%zzjKv9Q"]
)
def test_nor_does_one_of_those_that_take_their_time(url_of, redis_url, echo, password):
    """A secret key with a slash was printed whole; half of Amazon's hold one."""
    url = url_of().format(password)
    for command in (("check",), ("sinks", "list")):
        assert_nothing_shows(password, run(*command, redis_url=redis_url, sinks=url, exotel_base_url=echo.url).output)


@pytest.mark.parametrize("name", ["redis_url", "broker_url"])
def test_nor_does_the_password_of_redis(redis_url, echo, name):
    @tuned(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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


@pytest.mark.parametrize("kind", ["userinfo", "token", "header"])
def test_nor_does_that_of_a_subscriber_added_at_run_time(redis_url, echo, kind):
    """By the command, over the API, and by the console; where nobody answers, and where somebody repeats all he hears."""
    settings = make_settings(redis_url, legwork_secret_key=KEY, exotel_base_url=echo.url)

    @tuned(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(PASSWORDS, some.booleans())
    @example("Qzx7w/jKv9Q", True)
    @example("12/Qzx7w", True)
    def shows_nowhere(password, is_there):
        with connect(settings) as client:
            client.flushall()
        base = echo.url if is_there else "http://127.0.0.1:1"
        url = {
            "userinfo": base.replace("://", f"://nobody:{password}@", 1) + "/hooks",
            "token": f"{base}/hooks?token={password}",
            "header": f"{base}/hooks",
        }[kind]
        options = {"allow_private": True, **({"headers": {"X-Key": password}} if kind == "header" else {})}
        environ = {"redis_url": redis_url, "legwork_secret_key": KEY, "exotel_base_url": echo.url}
        header = ("--header", f"X-Key:{password}") if kind == "header" else ()
        add = ("sinks", "add", "crm", url, "--allow-private", *header)
        said = [run(*add, **environ).output, run(*add, "--unchecked", **environ).output]
        said.append(
            told_by_commands((*COMMANDS, ("sinks", "test", "crm"), ("sinks", "remove", "crm", "--yes")), **environ)
        )
        app = create_app(settings)
        try:
            browser = app.test_client()
            for check in ("?check=true", ""):
                answered = browser.post(f"/api/sinks{check}", json={"name": "crm", "url": url, "options": options})
                said.append(answered.text)
            said += [browser.post("/api/sinks/crm/test").text, told_by_pages(settings)]
        finally:
            app.extensions["legwork"].ledger.client.close()
        assert_nothing_shows(password, "\n".join(said))

    shows_nowhere()

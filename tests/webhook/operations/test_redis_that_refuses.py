"""A Redis that is there and refuses: what the door answers, and what `check` and the status say to do about it."""

from __future__ import annotations

import shutil

import pytest
import redis
from cli_kit import run
from processes import until
from web_app import SID, STATUS

from webhook.operations.checks import check_broker, check_capacity, check_ledger, check_redis
from webhook.operations.diagnosis import find_problems
from webhook.operations.finding import Verdict
from webhook.operations.problem import Severity
from webhook.operations.status import read_status
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.advice import what_to_do
from worker.process import embedded_redis

PASSWORD = "a-password-of-a-user"


def post(web, call_sid=SID):
    return web.post(STATUS, data={"CallSid": call_sid, "EventType": "terminal"})


def said_by_check(url):
    """The lines of `check` about Redis that are not ok."""
    result = run("check", redis_url=url, exotel_base_url="http://127.0.0.1:1")
    assert PASSWORD not in result.output
    parts = ("redis:", "ledger:", "broker:")
    return [line for line in result.stdout.splitlines() if line.split()[0] != "ok" and line.split()[1] in parts]


@pytest.fixture
def user(client, redis_url):
    """Makes users; the URL of one with these rights."""

    def make(*rights):
        client.execute_command("ACL", "SETUSER", "lw", "reset", "on", f">{PASSWORD}", *rights)
        return f"redis://lw:{PASSWORD}@{redis_url.rpartition('@')[2]}"

    yield make
    client.execute_command("ACL", "DELUSER", "lw")


def test_without_info_every_callback_is_taken(user, make_web):
    """INFO is asked for two things that can be done without; callbacks were answered 503, 503, 200, 503, 503, 200."""
    web = make_web(user("~*", "&*", "+@all", "-@dangerous"))
    assert [post(web, f"call{number:05}").status_code for number in range(20)] == [200] * 20
    assert web.get("/readyz").json["parts"]["ledger"]["state"] == "ok"
    metrics = web.get("/metrics").text
    assert "legwork_calls_received_total" in metrics
    assert "legwork_ledger_used_ratio{" not in metrics
    assert "\nlegwork_ledger_used_ratio " not in metrics
    assert read_status(web.ledger).capacity is None
    assert web.get("/", headers={"Host": "localhost"}).status_code == 200


def test_without_info_check_says_what_goes_on_without_it_and_what_right_is_missing(user):
    url = user("~*", "&*", "+@all", "-@dangerous")
    lines = said_by_check(url)
    (about_memory,) = [line for line in lines if "INFO" in line]
    assert about_memory.startswith("warning")
    assert "its memory use is unknown" in about_memory
    assert "A Redis user for Legwork" in about_memory
    assert not [line for line in lines if line.startswith("wrong")]
    assert not [line for line in lines if "start it" in line], "it runs"


def test_a_server_that_knows_no_info_is_no_other_case(tmp_path, make_web):
    server = embedded_redis.start(tmp_path, settings='appendonly no\nsave ""\nrename-command INFO ""\n')
    web = make_web(server.url)
    assert [post(web, f"call{number:05}").status_code for number in range(5)] == [200] * 5
    assert check_redis(web.settings, web.redis).verdict is Verdict.OK
    (found,) = check_capacity(web.redis)
    assert found.verdict is Verdict.WARNING
    server.stop()


@pytest.mark.parametrize(
    ("rights", "about", "said"),
    [
        (("~lw:*", "+@all", "-hset"), "ledger", "'hset'"),
        (("~lw:*", "+@all", "-time"), "ledger", "'time'"),
        (("~lw:*", "+@all", "-exists"), "broker", "'exists'"),
        (("~lw:*", "+@all"), "broker", "keys used as arguments"),
        (("~other:*", "+@all"), "ledger", "keys used as arguments"),
    ],
)
def test_a_right_that_is_missing_is_named_and_where_they_all_stand(user, rights, about, said):
    wrong = [line for line in said_by_check(user(*rights)) if line.startswith("wrong")]
    line = next(line for line in wrong if line.split()[1] == f"{about}:")
    assert said in line or "No permissions to access a key" in line
    assert "A Redis user for Legwork" in line
    assert "start it" not in line


def test_a_user_that_may_not_name_its_connections_works_all_the_same(user, make_web):
    """redis-py ends a connection whose name was refused."""
    web = make_web(user("~*", "+@all", "-client"))
    assert post(web).status_code == 200


@pytest.mark.parametrize(
    ("login", "said"),
    [("", "correct the user and the password"), ("lw:wrong@", "correct the user and the password")],
)
def test_a_wrong_password_is_no_server_to_be_started(redis_url, login, said):
    (line,) = said_by_check(f"redis://{login}{redis_url.rpartition('@')[2]}")[:1]
    assert said in line
    assert "start it" not in line


def test_nobody_there_is_to_be_started():
    (line,) = said_by_check(f"redis://127.0.0.1:{embedded_redis.free_port()}/0")[:1]
    assert "start it, or correct REDIS_URL" in line


def test_a_database_that_there_is_not_is_told(redis_url):
    (line,) = said_by_check(redis_url.removesuffix("/0") + "/9999")[:1]
    assert "name a database in REDIS_URL that exists" in line


@pytest.fixture
def broken_disk(tmp_path):
    """A server whose snapshots fail, so that it takes no writes: the folder it lies in is gone."""
    folder = tmp_path / "redis"
    server = embedded_redis.start(folder, settings="appendonly no\nsave 3600 1\n")

    def spoil():
        with redis.Redis.from_url(server.url) as client:
            shutil.rmtree(folder)
            client.bgsave()
            until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")

    yield server.url, spoil
    server.stop()


def test_a_redis_that_cannot_write_to_its_disk(make_web, broken_disk):
    """MISCONF: nothing is pretended, and the words are about the disk."""
    url, spoil = broken_disk
    web = make_web(url)
    assert post(web).status_code == 200
    spoil()
    answers = [post(web, f"call{number:05}") for number in range(5)]
    assert [(answer.status_code, int(answer.headers["Retry-After"]) > 0) for answer in answers] == [(503, True)] * 5
    part = web.get("/readyz").json["parts"]["ledger"]
    assert part["state"] == "unusable"
    assert "disk" in part["hint"]
    (told,) = [problem for problem in find_problems(read_status(web.ledger)) if problem.about == "ledger"]
    assert told.severity is Severity.ERROR
    assert "nothing can be stored: " in told.text
    assert "cannot write to its disk" in told.text
    (found,) = [found for found in check_ledger(web.ledger) if found.verdict is Verdict.WRONG]
    assert found.text.startswith("nothing can be stored: ")
    assert "cannot write to its disk" in found.text
    result = run("status", redis_url=url)
    assert result.exit_code == 1
    assert "cannot write to its disk" in result.output


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("maxmemory 1mb\nmaxmemory-policy noeviction\n", "raise its maxmemory"),
        ("min-replicas-to-write 1\n", "too few of its replicas"),
        ("replicaof 127.0.0.1 1\n", "name the primary"),
    ],
)
def test_each_way_to_refuse_has_its_remedy(tmp_path, make_web, settings, said):
    server = embedded_redis.start(tmp_path, settings=f'appendonly no\nsave ""\n{settings}')
    web = make_web(server.url)
    answer = post(web)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert said in run("check", redis_url=server.url, exotel_base_url="http://127.0.0.1:1").stdout
    server.stop()


def test_a_script_of_somebody_else_that_runs_and_runs(tmp_path, make_web):
    server = embedded_redis.start(tmp_path, settings='appendonly no\nsave ""\nbusy-reply-threshold 1\n')
    web = make_web(server.url)
    with redis.Redis.from_url(server.url) as client, redis.Redis.from_url(server.url, socket_timeout=0.5) as culprit:
        with pytest.raises(redis.TimeoutError):
            culprit.eval("while true do end", 0)
        assert post(web).status_code == 503
        (found,) = [found for found in check_ledger(web.ledger) if found.verdict is Verdict.WRONG]
        assert "SCRIPT KILL" in found.text
        client.script_kill()
    until(lambda: post(web).status_code == 200)
    server.stop()


def test_a_database_in_which_somebody_else_has_our_names(make_web, client):
    web = make_web()
    client.delete("lw:ledger")
    client.set("lw:ledger", "something else")
    until(lambda: post(web).status_code == 503)
    (found,) = [found for found in check_ledger(web.ledger) if found.verdict is Verdict.WRONG]
    assert "name another in REDIS_URL" in found.text


def test_protected_mode_wants_a_password():
    """It refuses only who comes from another host, which no test does; the words are those of Redis 7."""
    error = redis.ResponseError("DENIED Redis is running in protected mode because protected mode is enabled and …")
    assert "give it a password" in what_to_do(error)


def test_the_broker_is_named_by_its_own_setting(make_web, redis_url):
    web = make_web(broker_url=f"redis://127.0.0.1:{embedded_redis.free_port()}/0")
    (found,) = check_broker(web.settings)
    assert "start it, or correct BROKER_URL" in found.text


def test_a_ledger_that_became_anothers_is_touched_by_nothing_that_changes(make_web, redis_url, client):
    web = make_web()
    settings = web.settings
    client.hset("lw:ledger", "schema", 99)
    until(lambda: post(web).status_code == 503)
    assert [post(web, f"call{number:05}").status_code for number in range(20)] == [503] * 20
    refused = web.post("/api/sinks/stdout/disable", headers={"Host": "localhost"})
    assert (refused.status_code, "schema 99" in refused.json["detail"]) == (503, True)
    assert web.get("/livez").status_code == 200
    client.hset("lw:ledger", "schema", 1)
    assert [post(web, f"call{number:05}").status_code for number in range(5)] == [200] * 5
    assert Ledger(connect(settings), settings).open() is False

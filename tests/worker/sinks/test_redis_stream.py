"""`redis:` sinks, against a real server."""

from __future__ import annotations

import orjson
import pytest
import redis
from factories import make_settings
from redis_pair import Pair
from several_connections import use_several_connections
from sink_contract import SinkContract, record, sink_spec

from worker.errors import PermanentFailure, TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import BadSink, open_sinks, sink_for


def opened(url):
    sink = sink_for(sink_spec(url))
    sink.open()
    return sink


@pytest.fixture
def sink(redis_url):
    sink = opened(redis_url)
    yield sink
    sink.close()


class TestRedisStreamSink(SinkContract):
    @pytest.fixture
    def arrived(self, client):
        return lambda: [orjson.loads(entry[b"event"]) for _, entry in client.xrange("calls")]

    @pytest.fixture
    def unreachable(self):
        return opened(f"redis://127.0.0.1:{free_port()}")


def test_an_entry_has_what_a_consumer_chooses_by_beside_the_record(sink, client):
    sent = record()
    sink.send([sent])
    ((_, entry),) = client.xrange("calls")
    event = entry.pop(b"event")
    assert entry == {b"id": sent["id"].encode(), b"type": sent["type"].encode(), b"call_sid": b"call0001"}
    assert orjson.loads(event) == sent


def test_a_record_that_is_about_no_call_has_an_empty_call_sid(sink, client):
    sink.send([{"id": "evt_1", "type": "legwork.operator.sink", "data": {}}])
    ((_, entry),) = client.xrange("calls")
    assert entry[b"call_sid"] == b""


def test_the_stream_and_the_database_are_the_urls(redis_url):
    sink = opened(f"{redis_url.removesuffix('/0')}/3?stream=crm%20calls")
    sink.send([record()])
    sink.close()
    with redis.Redis.from_url(f"{redis_url.removesuffix('/0')}/3") as client:
        assert client.xlen("crm calls") == 1


def test_a_long_stream_is_cut_about_where_it_was_asked_to_be(redis_url, client):
    """Redis drops whole nodes of 100 entries."""
    sink = opened(f"{redis_url}?maxlen=100")
    for _ in range(4):
        sink.send([record(number) for number in range(100)])
    sink.close()
    assert 100 <= client.xlen("calls") <= 200


def test_without_a_limit_everything_is_kept(sink, client):
    for _ in range(4):
        sink.send([record(number) for number in range(100)])
    assert client.xlen("calls") == 400


def test_a_batch_arrives_whole_or_not_at_all(sink, client):
    client.config_set("maxmemory", "1")
    try:
        with pytest.raises(TemporaryFailure, match=r"^command not allowed when used memory"):
            sink.send([record(1), record(2)])
    finally:
        client.config_set("maxmemory", "0")
    assert client.xlen("calls") == 0


def test_a_key_that_is_no_stream_can_be_mended_and_check_says_so(sink, client):
    client.set("calls", "something else")
    with pytest.raises(TemporaryFailure, match=r"^WRONGTYPE"):
        sink.send([record()])
    with pytest.raises(PermanentFailure, match="calls holds a string, not a stream"):
        sink.check()


def test_a_server_that_was_restarted_costs_no_attempt(sink, client):
    sink.send([record(1)])
    client.client_kill_filter(_type="normal", skipme=True)
    sink.send([record(2)])
    assert client.xlen("calls") == 2


def test_a_wrong_password_is_temporary_and_shows_nothing_of_it(redis_url):
    host = redis_url.rpartition("@")[2]
    sink = opened(f"redis://:hunter2-hunter2@{host}")
    with pytest.raises(TemporaryFailure) as caught:
        sink.send([record()])
    sink.close()
    assert "hunter2" not in str(caught.value)


def test_the_scheme_may_be_in_capitals(redis_url):
    (sink,) = open_sinks(make_settings(sinks=redis_url.replace("redis:", "Redis:", 1))).values()
    assert sink.check() == "answers; the stream is calls"
    sink.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://host/calls", "must be redis://host:6379/0"),
        ("redis://host/?steam=calls", "has an option that is wrong: .*'steam'"),
        (
            "redis://host/?decode_responses=true",
            "has an option that is wrong: 'decode_responses'; there are client_name",
        ),
        ("redis://host/?encoding=latin-1", "has an option that is wrong: 'encoding'"),
        ("redis://host/?encoding_errors=ignore", "has an option that is wrong: 'encoding_errors'"),
        ("redis://host/?protocol=3", "has an option that is wrong: 'protocol'"),
        ("redis://host/?max_connections=1", "has an option that is wrong: 'max_connections'"),
        ("redis://host/?db=calls", "has an option that is wrong"),
        ("redis://host/?socket_timeout=soon", "has an option that is wrong"),
        ("redis://host/?maxlen=0", "maxlen: Must be greater than or equal to 1"),
        ("redis://host/?stream=", "stream: Shorter than minimum length 1"),
    ],
)
def test_what_cannot_be_a_stream_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))


# Which server


def test_after_a_failover_the_new_primary_is_met(tmp_path):
    """The old one lives on as a replica and keeps its connections: nothing was added until the worker was restarted."""
    pair = Pair(tmp_path)
    try:
        sink = opened(pair.url)
        use_several_connections(sink)
        pair.fail_over()
        failures = use_several_connections(sink)
        assert failures, "the old one says what it has become"
        assert use_several_connections(sink) == []
        assert sink.check()
        sink.close()
        assert pair.clients[1].xlen("calls") == 9 - len(failures)
    finally:
        pair.close()


def test_a_check_finds_out_that_the_server_is_a_replica(tmp_path):
    """It asked for the type of the key, which a replica tells too."""
    pair = Pair(tmp_path)
    try:
        pair.relay.lead_to("127.0.0.1", pair.clients[1].connection_pool.connection_kwargs["port"])
        sink = opened(pair.url)
        with pytest.raises(TemporaryFailure, match="read only replica"):
            sink.check()
        sink.close()
    finally:
        pair.close()


def test_a_user_who_may_add_and_no_more_is_enough(redis_url, client):
    client.execute_command(
        "ACL", "SETUSER", "adder", "on", ">adder-password", "~calls", "+xadd", "+type", "+multi", "+exec", "+client"
    )
    try:
        sink = opened(f"redis://adder:adder-password@{redis_url.rpartition('@')[2]}")
        assert sink.check()
        sink.send([record()])
        sink.close()
    finally:
        client.execute_command("ACL", "DELUSER", "adder")
    assert client.xlen("calls") == 1


def test_a_check_drops_nothing(sink, client):
    sink.send([record(number) for number in range(300)])
    sink.check()
    assert client.xlen("calls") == 300

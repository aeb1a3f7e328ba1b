"""`kafka:` sinks, against librdkafka's own cluster of mock brokers, which speak the protocol on real sockets."""

from __future__ import annotations

import subprocess
import sys
import uuid

import confluent_kafka as kafka
import orjson
import pytest
from factories import make_settings
from sink_contract import SinkContract, record, sink_spec

from worker.errors import PermanentFailure, TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import BadSink, open_sinks, sink_for

# In a process of its own: its sockets are not to be taken for the sink's.
CLUSTER = """
import confluent_kafka, sys
cluster = confluent_kafka.Producer({"test.mock.num.brokers": 3, "log_level": 0})
brokers = cluster.list_topics(timeout=10).brokers.values()
print(",".join(f"{broker.host}:{broker.port}" for broker in brokers), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def brokers():
    command = [sys.executable, "-c", CLUSTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        yield cluster.stdout.readline().strip()
        cluster.communicate()


@pytest.fixture
def topic():
    return f"calls-{uuid.uuid4().hex[:12]}"


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


@pytest.fixture
def sink(brokers, topic):
    sink = opened(f"kafka://{brokers}", topic=topic)
    yield sink
    sink.close()


@pytest.fixture
def messages(brokers, topic):
    """All that is in the topic, a partition after the other."""

    def read():
        consumer = kafka.Consumer({"bootstrap.servers": brokers, "group.id": "tests", "log_level": 0})
        try:
            found = []
            for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
                place = kafka.TopicPartition(topic, partition, kafka.OFFSET_BEGINNING)
                _, end = consumer.get_watermark_offsets(place, timeout=10)
                consumer.assign([place])
                while end > 0:
                    message = consumer.poll(10)
                    assert message is not None
                    assert message.error() is None
                    found.append(message)
                    end -= 1
            return found
        finally:
            consumer.close()

    return read


class TestKafkaSink(SinkContract):
    @pytest.fixture
    def arrived(self, messages):
        """By CallSid: there is no order between the partitions."""
        return lambda: sorted(
            (orjson.loads(message.value()) for message in messages()), key=lambda event: event["subject"]
        )

    @pytest.fixture
    def unreachable(self):
        sink = opened(f"kafka://127.0.0.1:{free_port()}", **{"delivery.timeout.ms": 500})
        yield sink
        sink.close()


def test_a_message_says_what_it_is(sink, messages):
    sent = record()
    assert sink.send([sent]) == "acknowledged"
    (message,) = messages()
    assert message.key() == b"call0001"
    assert dict(message.headers()) == {
        "content-type": b"application/cloudevents+json",
        "ce_id": sent["id"].encode(),
        "ce_type": b"legwork.call.completed",
    }


def test_the_records_of_a_call_stay_in_order(sink, messages):
    for _ in range(3):
        sink.send([record(number) for number in range(20)])
        sink.send([dict(record(number), type="legwork.call.corrected") for number in range(20)])
    kinds: dict = {}
    for message in messages():
        kinds.setdefault(message.key(), []).append(dict(message.headers())["ce_type"].rpartition(b".")[2])
    assert len(kinds) == 20
    assert all(found == [b"completed", b"corrected"] * 3 for found in kinds.values())


def test_a_record_that_is_about_no_call_has_no_key(sink, messages):
    sink.send([{"id": "evt_1", "type": "legwork.operator.sink", "data": {}}])
    (message,) = messages()
    assert message.key() is None


def test_a_record_that_no_broker_takes_is_refused_for_good(sink, messages):
    with pytest.raises(PermanentFailure, match="Message size too large"):
        sink.send([record(note="x" * 1_000_000)])
    sink.send([record(2)])
    assert [message.key() for message in messages()] == [b"call0002"]


def test_a_failure_says_what_was_the_matter(brokers):
    sink = opened(f"kafka://127.0.0.1:{free_port()}?delivery.timeout.ms=3000")
    with pytest.raises(TemporaryFailure, match=r"timed out; .*Connection refused"):
        sink.send([record()])
    sink.close()


def test_a_queue_that_is_smaller_than_a_batch_is_waited_for(brokers, topic, messages):
    """The library raised a BufferError, at each attempt."""
    sink = opened(f"kafka://{brokers}?queue.buffering.max.messages=5", topic=topic)
    sink.send([record(number) for number in range(30)])
    sink.close()
    assert len(messages()) == 30


def test_a_queue_that_nothing_leaves_is_a_failure():
    options = "queue.buffering.max.messages=5&delivery.timeout.ms=500"
    sink = opened(f"kafka://127.0.0.1:{free_port()}?{options}")
    with pytest.raises(TemporaryFailure, match="timed out"):
        sink.send([record(number) for number in range(6)])
    sink.close()


def test_other_options_are_librdkafkas_in_the_query_and_in_the_file(brokers, topic, messages):
    sink = opened(f"kafka://{brokers}/?topic={topic}&compression.type=gzip", **{"linger.ms": 1})
    sink.send([record()])
    sink.close()
    assert orjson.loads(messages()[0].value()) == record()


def test_a_user_and_a_password_mean_sasl_over_tls():
    sink = sink_for(sink_spec("kafka://me:pass%40word@broker:9093"))
    assert sink._settings["bootstrap.servers"] == "broker:9093"
    assert (sink._settings["sasl.username"], sink._settings["sasl.password"]) == ("me", "pass@word")
    assert (sink._settings["security.protocol"], sink._settings["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("kafka://broker/calls", r"must be kafka://broker:9092,other:9092\?topic=calls"),
        ("kafka://broker?topic=a%20b", "topic: is no name of a topic"),
        ("kafka://broker?topic=..", "topic: is no name of a topic"),
        ("kafka://broker?acks=0", "acks must be all: else a record is lost with the broker that took it"),
        ("kafka://broker?enable.idempotence=false&request.required.acks=1", "request.required.acks must be all"),
        ("kafka://broker?topic.acks=0", "topic.acks must be all"),
        ("kafka://broker?topic.request.required.acks=1", "topic.request.required.acks must be all"),
        ("kafka://broker?message.max.bytes=1500", "message.max.bytes must be 1000000 or more"),
        ("kafka://broker?transactional.id=me", "transactional.id is none that can be set here"),
        ("kafka://broker?test.mock.num.brokers=3", "test.mock.num.brokers is none that can be set here"),
        ("kafka://broker?stats_cb=x", "stats_cb is none that can be set here"),
        ("kafka://broker?tpic=calls", 'No such configuration property: "tpic"'),
        ("kafka://broker?linger.ms=soon", "Invalid value for configuration property"),
    ],
)
def test_what_cannot_be_a_topic_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))

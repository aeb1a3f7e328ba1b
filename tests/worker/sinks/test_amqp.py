"""`amqp:` sinks, against RabbitMQ."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

import kombu
import orjson
import pytest
from factories import make_settings
from relay import Relay
from services import RABBITMQ, need
from sink_contract import SinkContract, record, sink_spec

from worker.errors import TemporaryFailure
from worker.process.embedded_redis import free_port
from worker.sinks import BadSink, open_sinks, sink_for


@pytest.fixture
def broker():
    with kombu.Connection(need(RABBITMQ)) as connection:
        yield connection


@pytest.fixture
def name(broker):
    """Of an exchange and a queue; both are gone afterwards."""
    name = f"legwork-test-{uuid.uuid4().hex[:12]}"
    yield name
    with broker.channel() as channel:
        channel.queue_delete(name)
        channel.exchange_delete(name)


def opened(url, **options):
    sink = sink_for(sink_spec(url, **options))
    sink.open()
    return sink


def bound(broker, name, routing_key="#"):
    """A queue that takes what comes to the exchange."""
    exchange = kombu.Exchange(name, "topic", durable=True)
    queue = kombu.Queue(name, exchange, routing_key=routing_key, durable=True)(broker.default_channel)
    queue.declare()
    return queue


def messages(queue):
    while (message := queue.get(no_ack=True)) is not None:
        yield message


@pytest.fixture
def queue(broker, name):
    return bound(broker, name)


@pytest.fixture
def sink(queue):
    sink = opened(RABBITMQ, exchange=queue.name)
    yield sink
    sink.close()


class TestAmqpSink(SinkContract):
    @pytest.fixture
    def arrived(self, queue):
        return lambda: [orjson.loads(message.body) for message in messages(queue)]

    @pytest.fixture
    def unreachable(self):
        return opened(f"amqp://guest:guest@127.0.0.1:{free_port()}/")


def test_a_message_is_durable_and_says_what_it_is(sink, queue):
    sent = record()
    assert sink.send([sent]) == "confirmed"
    (message,) = messages(queue)
    properties = message.properties
    assert (properties["message_id"], properties["type"]) == (sent["id"], sent["type"])
    assert properties["delivery_mode"] == 2
    assert message.content_type == "application/cloudevents+json"
    assert message.delivery_info["routing_key"] == "legwork.call.completed"


def test_an_exchange_that_is_missing_is_made_durable(broker, name):
    sink = opened(RABBITMQ, exchange=name)
    sink.check()
    sink.close()
    channel = broker.channel()
    channel.exchange_declare(name, "topic", durable=True, auto_delete=False)
    channel.close()


def test_an_exchange_that_is_there_is_taken_as_it_is(broker, name):
    channel = broker.channel()
    channel.exchange_declare(name, "fanout", durable=False, auto_delete=False)
    queue = kombu.Queue(name, kombu.Exchange(name, "fanout", durable=False), durable=False)(channel)
    queue.declare()
    sink = opened(f"{RABBITMQ}?exchange={name}")
    sink.send([record()])
    sink.close()
    assert len(list(messages(queue))) == 1


def test_a_routing_key_is_used_for_every_message(broker, name):
    queue = bound(broker, name, "crm.calls")
    sink = opened(f"{RABBITMQ}?exchange={name}&routing_key=crm.calls")
    sink.send([record()])
    sink.close()
    assert len(list(messages(queue))) == 1


def test_the_exchange_without_a_name_leads_to_the_queue_that_the_routing_key_names(broker, name):
    queue = kombu.Queue(name, durable=True)(broker.default_channel)
    queue.declare()
    sink = opened(f"{RABBITMQ}?exchange=&routing_key={name}")
    sink.send([record()])
    sink.close()
    assert len(list(messages(queue))) == 1


def test_what_no_queue_takes_is_tried_again_until_one_does(broker, name):
    sink = opened(RABBITMQ, exchange=name)
    with pytest.raises(TemporaryFailure, match=f"returned: no queue is bound to '{name}' for 'legwork.call.completed'"):
        sink.send([record(1)])
    queue = bound(broker, name)
    sink.send([record(1)])
    sink.send([record(2)])
    sink.close()
    assert [orjson.loads(message.body)["subject"] for message in messages(queue)] == ["call0001", "call0002"]


def test_a_full_queue_that_refuses_is_temporary(broker, name):
    exchange = kombu.Exchange(name, "topic", durable=True)
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = kombu.Queue(name, exchange, routing_key="#", queue_arguments=arguments)(broker.default_channel)
    queue.declare()
    sink = opened(RABBITMQ, exchange=name)
    sink.send([record(1)])
    with pytest.raises(TemporaryFailure, match="MessageNacked"):
        sink.send([record(2)])
    list(messages(queue))
    assert sink.send([record(2)]) == "confirmed"
    sink.close()


def test_a_connection_is_used_again_and_one_that_died_idle_costs_no_attempt(queue):
    parts = urlsplit(RABBITMQ)
    with Relay(parts.hostname, parts.port) as relay:
        sink = opened(f"amqp://guest:guest@127.0.0.1:{relay.port}/", exchange=queue.name)
        sink.send([record(1)])
        sink.send([record(2)])
        assert relay.connections == 1
        relay.cut()
        assert sink.send([record(3)]) == "confirmed"
        assert relay.connections == 2
        sink.close()
    assert len(list(messages(queue))) == 3


def test_a_wrong_password_is_temporary_and_shows_nothing_of_it():
    need(RABBITMQ)
    host = RABBITMQ.rpartition("@")[2]
    with pytest.raises(TemporaryFailure, match="ACCESS_REFUSED") as caught:
        opened(f"amqp://guest:hunter2-hunter2@{host}").send([record()])
    assert "hunter2" not in str(caught.value)


def test_a_certificate_is_held_against_the_name_of_the_host():
    sink = sink_for(sink_spec("amqps://broker.example/"))
    assert sink._tls == {"cert_reqs": 2, "server_hostname": "broker.example", "ca_certs": None}


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("amqp://host/?exchnage=x", "with no options but Legwork's"),
        (f"amqp://host/?exchange={'%E0%A4%A8' * 86}", "exchange: must have up to 255 bytes in UTF-8"),
        (f"amqp://host/?routing_key={'%E0%A4%A8' * 86}", "routing_key: must have up to 255 bytes in UTF-8"),
        (f"amqp://host/{'v' * 256}", "must have a vhost of up to 255 bytes"),
        ("amqp://host/?exchange=", "routing_key: must name the queue, since the exchange has no name"),
        ("amqp://host/?exchange_type=x", "exchange_type: Must be one of: direct, fanout, headers, topic"),
    ],
)
def test_what_cannot_be_an_exchange_is_refused_at_the_start(url, problem):
    with pytest.raises(BadSink, match=problem):
        open_sinks(make_settings(sinks=url))


def test_names_of_255_bytes_are_not_too_long(broker, name):
    """`struct.error`, said the library of longer ones, and that was no failure to Legwork."""
    name_there = name + "n" * (255 - len(name))
    queue = bound(broker, name_there, routing_key="k" * 255)
    try:
        sink = opened(RABBITMQ, exchange=name_there, routing_key="k" * 255)
        assert sink.send([record()]) == "confirmed"
        sink.close()
        assert len(list(messages(queue))) == 1
    finally:
        with broker.channel() as channel:
            channel.queue_delete(name_there)
            channel.exchange_delete(name_there)


def test_a_check_looks_for_the_queue_where_the_exchange_has_no_name(broker, name):
    """All is well, said `check`, and each record came back: there was nothing that it could have been led to."""
    sink = opened(f"{RABBITMQ}?exchange=&routing_key={name}")
    with pytest.raises(TemporaryFailure, match="NOT_FOUND - no queue"):
        sink.check()
    kombu.Queue(name, durable=True)(broker.default_channel).declare()
    assert sink.check()
    sink.send([record()])
    sink.close()

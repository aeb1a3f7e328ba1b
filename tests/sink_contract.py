"""What every sink has to do: each kind's tests inherit `SinkContract`, and say how to open one and how to read it back."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from marshmallow import ValidationError
from payloads.records import build, callback, legs_of
from processes import until

from schemas.settings import SinkSpec
from worker.errors import LegworkError, TemporaryFailure

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sink_spec(url, *, name="crm", secrets=(), **options):
    return SinkSpec(name=name, url=str(url), secrets=tuple(secrets), options=options)


def record(number=1, **params):
    """A record as it leaves `build_record`, of a call of its own."""
    answer = legs_of(("outbound", "09000000001", "completed", 25), ("outbound-dial", "sip:agentone1a2b3c", "busy", 0))
    return build(answer, [callback(**params)], call_sid=f"call{number:04}", account_sid="acme1m")


ODD = {"digits": '"215250"', "name": "नमस्ते 🙂", "lines": "one\ntwo\r\nthree\u2028four", "tab": "\t\x00\x7f"}


class SinkContract:
    """The fixtures `sink` (open), `arrived` (gives the records that came, oldest first) and `unreachable` are the kind's."""

    #: Does a record that comes again take its own place?
    keyed = False

    def as_kept(self, sent):
        """What becomes of a record, where the other side cannot hold all that JSON can."""
        return sent

    def test_a_record_arrives_whole(self, sink, arrived):
        sent = record(**ODD)
        assert sink.send([sent])
        assert arrived() == [self.as_kept(sent)]

    def test_a_large_record_arrives_whole(self, sink, arrived):
        sent = record(note="x" * 200_000)
        sink.send([sent])
        assert arrived() == [sent]

    def test_what_is_sent_twice_is_recognisably_the_same(self, sink, arrived):
        for _ in range(2):
            sink.send([record()])
        assert arrived() == [record()] * (1 if self.keyed else 2)
        assert record()["id"] == record()["id"] != record(2)["id"]

    def test_a_full_batch_arrives_in_order(self, sink, arrived):
        batch = [record(number) for number in range(sink.batch)]
        sink.send(batch)
        assert arrived() == batch

    def test_one_sink_is_shared_by_threads(self, sink, arrived):
        def send(first):
            for number in range(first, first + 10):
                sink.send([record(number)])

        threads = [threading.Thread(target=send, args=(first,)) for first in range(0, 40, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(one["subject"] for one in arrived()) == [f"call{number:04}" for number in range(40)]

    def test_unreachable_is_temporary(self, unreachable):
        with pytest.raises(TemporaryFailure):
            unreachable.send([record()])

    def test_whatever_a_projection_makes_of_data_arrives(self, sink, arrived):
        if not sink.projectable:
            with pytest.raises(ValidationError, match="cannot be had"):
                type(sink)(replace(sink.spec, projection="call_sid"))
            return
        odd = [{**record(), "id": f"evt_{number}", "data": data} for number, data in enumerate(("text", None, [1], {}))]
        for sent in odd:
            sink.send([sent])
        assert [each["data"] for each in arrived()] == [sent["data"] for sent in odd]

    def test_check_tells_that_it_is_there_and_sends_nothing(self, sink, arrived):
        assert sink.check()
        assert arrived() == []

    def test_check_tells_that_it_is_not_there(self, unreachable):
        with pytest.raises((LegworkError, OSError)):
            unreachable.check()

    def test_it_closes_cleanly(self, sink):
        before = open_files()
        sink.send([record()])
        sink.close()
        until(lambda: open_files() <= before)  # the other end may be in this process too
        sink.close()

    def test_every_option_says_what_it_is_for(self, sink):
        assert all(option.metadata.get("doc", "").endswith(".") for option in sink.Options().fields.values())


def open_files():
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them, for instance
            found.add(link.readlink())
    return found


def read_lines(data):
    """The records in a text of JSON lines, none of which may be anything but whole."""
    assert data == b"" or data.endswith(b"\n")
    return [orjson.loads(line) for line in data.splitlines()]

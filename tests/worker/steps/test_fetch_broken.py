"""Legs in an answer that broke off are not final; past the schedule they are those of the record."""

from __future__ import annotations

from stubs import answer
from worker_kit import SID, legs_answer


def broken(reply):
    """The same answer, of which the headers promise more than there is."""

    class Longer:
        def __init__(self, connection):
            self._connection = connection

        def sendall(self, data):
            head, _, body = data.partition(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
            self._connection.sendall(b"\r\n".join([*lines, b"Content-Length: %d" % (len(body) + 9), b"", body]))

    def write(connection):
        reply(Longer(connection))
        return False

    return write


def test_an_answer_that_always_breaks_off_costs_no_legs(make_bench, exotel):
    bench = make_bench(retry_schedule="15 60", confirm_seconds=0)
    exotel.always(broken(legs_answer(SID)))
    bench.admit()
    bench.fetch_until_done()
    assert len(exotel.seen) == 3, "it was asked again, to the end of the schedule"
    (event,) = bench.events().values()
    data = event["data"]
    assert (event["type"], data["settled"], len(data["legs"])) == ("legwork.call.completed", False, 3)
    assert "broke off after" in data["reason"]


def test_a_whole_answer_in_between_is_final(make_bench, exotel):
    bench = make_bench(retry_schedule="15 60", confirm_seconds=0)
    exotel.then(broken(legs_answer(SID)), legs_answer(SID))
    bench.admit()
    bench.fetch_until_done()
    (event,) = bench.events().values()
    assert (event["data"]["settled"], event["data"]["provenance"]["fetches"]) == (True, 2)


def test_a_401_that_breaks_off_suspends_the_account(make_bench, exotel):
    """It counted as no answer, and call after call was asked for with a key that was refused."""
    bench = make_bench()
    exotel.always(broken(answer({"RestException": {"Message": "no"}}, 401)))
    bench.admit()
    bench.fetch()
    assert bench.gate() == "suspended"
    assert bench.fetch() is None or len(exotel.seen) == 1

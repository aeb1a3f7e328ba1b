"""Has a sink use several connections at once, which lie idle in its pool afterwards."""

from __future__ import annotations

import threading

from sink_contract import record

from worker.errors import TemporaryFailure


def use_several_connections(sink, number=3):
    """Send from threads at once, so that several connections lie idle afterwards; what they raised."""
    failures, together = [], threading.Barrier(number)

    def send(at):
        together.wait()
        try:
            sink.send([record(at)])
        except TemporaryFailure as failure:
            failures.append(str(failure))

    threads = [threading.Thread(target=send, args=(at,)) for at in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures

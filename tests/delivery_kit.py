"""One sink of a workbench, and the deliveries that wait for it."""

from __future__ import annotations

from factories import ACCOUNT

from worker.ledger.backlog import Lane
from worker.ledger.queries.totals import totals_of_sink
from worker.steps.deliver import deliver


class Deliveries:
    """One sink, and the deliveries that wait for it."""

    def __init__(self, bench, sink):
        self.bench, self.sink = bench, sink
        self.book = bench.ledger.deliveries[ACCOUNT, sink.name]

    def deliver(self, most=100):
        """Deliver what is due; how many that was."""
        leases = self.book.backlog.lease(most)
        if leases:
            deliver(self.bench.context, ACCOUNT, self.sink.name, leases)
        return len(leases)

    def due_in(self):
        """The lane and the wait in seconds of every delivery that waits."""
        client, now = self.bench.ledger.client, self.bench.clock.now_ms
        rows = [
            (lane, round((score - now) / 1000, 3))
            for lane in Lane
            for _, score in client.zrange(self.book.backlog.due_key(lane), 0, -1, withscores=True)
        ]
        return sorted(rows)

    def standing(self):
        found = totals_of_sink(self.bench.ledger, self.sink.name, self.bench.ledger.sink_states())
        return found.state, found.waiting, found.delivered, found.dead

    def delivery(self, number=0):
        (found,) = self.bench.story(f"call{number:04}").deliveries.values()
        return found

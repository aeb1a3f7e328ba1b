"""A dispatcher under test, and a tray in the place of Celery."""

from __future__ import annotations

from factories import ACCOUNT, make_callback

from worker.dispatcher import LARGEST_PART, TASKS_PER_THREAD

THREADS = 8
WINDOW = TASKS_PER_THREAD * THREADS
LARGEST = int(THREADS * LARGEST_PART)


class Tray:
    """Takes the place of Celery: what is carried to the workers lies here until the test takes it."""

    def __init__(self):
        self.fetches, self.deliveries = [], []

    def fetch(self, account_sid, leases):
        self.fetches += [(account_sid, lease) for lease in leases]

    def deliver(self, account_sid, sink, batches):
        self.deliveries += [(account_sid, sink, batch) for batch in batches]

    @property
    def tasks(self):
        return len(self.fetches) + len(self.deliveries)


def admit_many(bench, number, account=ACCOUNT, **options):
    for at in range(number):
        book = bench.ledger.calls[account]
        book.admit(make_callback(f"{account}{at:05}"), wait_seconds=options.get("wait", 0))

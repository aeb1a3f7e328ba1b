"""The ledger: all calls, records and deliveries in Redis, with their due times and state. Only this package uses its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from worker.errors import LedgerUnusable
from worker.ledger.backlog import Clock, server_clock
from worker.ledger.bucket import TokenBucket
from worker.ledger.calls import CallBook
from worker.ledger.deliveries import LEASE_SECONDS, DeliveryBook
from worker.ledger.health import SinkHealth
from worker.ledger.keys import LEDGER, SCHEMA, WORKERS, of_account
from worker.ledger.meters import Meters
from worker.ledger.registry.subscribers import CHANGES, Register, Subscribers
from worker.ledger.scripts import Scripts
from worker.ledger.server import about_server, check_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import redis

    from schemas.settings import Account, Settings, SinkSpec
    from schemas.settings.sink_fields import Rate

__all__ = ["Ledger"]

# A ledger created within this time is reported as new: it is the first day, or Redis has lost its data.
NEW_SECONDS = 86_400
# A worker that has not reported for this long counts as gone; it reports every few seconds.
WORKER_SILENCE_SECONDS = 15.0


class Ledger:
    """The ledger of every account, in one Redis.

    Creating one does no I/O; `open` checks the server. Every method raises redis.RedisError if it is unreachable.
    `worker` is the name of the process, if it is a worker.
    """

    def __init__(
        self, client: redis.Redis, settings: Settings, *, worker: str = "-", clock: Clock = server_clock
    ) -> None:
        self.client: Any = client  # its answers are bytes, which redis-py's types cannot say
        self.settings = settings
        self._created_at: bytes | None = None
        self._worker, self._clock = worker, clock
        self._scripts = scripts = Scripts(client)
        self.meters = Meters(client, retention_days=settings.retention_days, clock=clock)
        self.health = SinkHealth(client, scripts, clock=clock)
        self._retention_seconds = settings.retention_days * 86_400
        self.calls: dict[str, CallBook] = {
            account.sid: CallBook(
                client,
                scripts,
                account,
                retention_seconds=self._retention_seconds,
                probe_seconds=settings.suspension_probe_seconds,
                worker=worker,
                clock=clock,
            )
            for account in settings.accounts
        }
        self.subscribers = Subscribers(client, settings.legwork_secret_key or ())
        self.register = Register()
        #: Every sink by its name: those of the settings, and the subscribers added at run time.
        self.sinks: Mapping[str, SinkSpec] = {}
        self.deliveries: Mapping[tuple[str, str], DeliveryBook] = {}
        #: The token bucket of each sink that has a rate.
        self.rates: Mapping[str, TokenBucket] = {}
        self._know({})

    def _know(self, subscribers: Mapping[str, SinkSpec]) -> None:
        """Replace the books and buckets; work in progress finishes with the old ones."""
        # A sink in the settings overrides a subscriber with the same name.
        self.sinks = {**subscribers, **{spec.name: spec for spec in self.settings.sinks}}
        self.deliveries = {
            (sid, spec.name): self.book(sid, spec.name)
            for sid in self.calls
            for spec in self.sinks.values()
            if not spec.accounts or sid in spec.accounts
        }
        self.rates = {spec.name: self._bucket(spec.name, spec.rate) for spec in self.sinks.values() if spec.rate}

    def book(self, account_sid: str, sink: str) -> DeliveryBook:
        """Return the deliveries of an account to a sink, whether or not a sink of that name exists."""
        return DeliveryBook(
            self.client,
            self._scripts,
            account_sid,
            sink,
            retention_seconds=self._retention_seconds,
            worker=self._worker,
            clock=self._clock,
        )

    def _bucket(self, sink: str, rate: Rate) -> TokenBucket:
        return TokenBucket(
            self._scripts,
            f"sink:{sink}",
            quota=rate.count,
            window_seconds=rate.seconds,
            hold_seconds=LEASE_SECONDS,
            probe_seconds=LEASE_SECONDS,
            clock=self._clock,
        )

    def books_of(self, sink: str) -> list[DeliveryBook]:
        """Return the deliveries of every account to a sink, whether or not a sink of that name exists."""
        return [self.book(sid, sink) for sid in self.calls]

    def refresh_sinks(self) -> bool:
        """Load subscribers that were added, changed or removed; return True if there was a change."""
        changes = int(self.client.hget(LEDGER, CHANGES) or 0)
        if changes == self.register.changes:
            return False
        self.register = self.subscribers.load()
        self._know(self.register.specs)
        return True

    def open(self) -> bool:
        """Check the server and write the ledger's version; return True if it is new, or another than at the last check.

        Raises LedgerUnusable if this server, or the data in it, cannot be used.
        """
        check_version(about_server(self.client, "server"))
        pipeline = self.client.pipeline()
        pipeline.hsetnx(LEDGER, "schema", SCHEMA)
        # By Redis's clock, like all times in the ledger: a host's clock may be hours off.
        pipeline.hsetnx(LEDGER, "created_at", round(self.now_ms()))
        pipeline.hmget(LEDGER, "schema", "created_at")
        new, _, (schema, created_at) = pipeline.execute()
        self.meters.may_write = schema == b"%d" % SCHEMA
        if not self.meters.may_write:
            raise LedgerUnusable(
                f"the ledger in this Redis has schema {schema[:20].decode(errors='replace')}, this Legwork knows schema "
                f"{SCHEMA}: run the Legwork that wrote it, or name another database in REDIS_URL"
            )
        # Another process may have created it first since it was lost.
        self.refresh_sinks()
        is_another = self._created_at not in {None, created_at}
        self._created_at = created_at
        return bool(new) or is_another

    def account(self, sid: str) -> Account:
        """Return an account's settings. Raises KeyError for an unknown SID."""
        return self.calls[sid].account

    def newest_records(self, account_sid: str, call_sids: Sequence[str]) -> list[bytes | None]:
        """Return the newest record of each of an account's calls, packed; None where there is none yet. One round trip."""
        keys = [of_account(account_sid, "events", sid) for sid in call_sids]
        found: list[bytes | None] = self._scripts.run("records/newest", keys, [])
        return found

    def now_ms(self) -> float:
        """Return the time by Redis's clock, in milliseconds."""
        seconds, microseconds = self.client.time()
        return float(seconds) * 1000 + float(microseconds) / 1000

    def try_to_write(self) -> None:
        """Write a small key, to test whether a callback could be stored.

        Raises redis.RedisError if Redis is unreachable, out of memory or read-only.
        """
        self.client.hset(LEDGER, "tried_at", round(self.now_ms()))

    def created_at_ms(self) -> int | None:
        """Return when this ledger was created (ms), or None if there is none."""
        created_at = self.client.hget(LEDGER, "created_at")
        return None if created_at is None else int(created_at)

    def new_since_ms(self) -> int | None:
        """Return when this ledger was created (ms) if that was within the last day, else None."""
        created_at = self.created_at_ms()
        return created_at if created_at is not None and self.now_ms() - created_at < NEW_SECONDS * 1000 else None

    def register_worker(self, worker: str, threads: int) -> None:
        """Record that a worker process is alive, and its number of threads."""
        now = self.now_ms()
        pipeline = self.client.pipeline(transaction=False)
        pipeline.zadd(WORKERS, {f"{threads} {worker}": now})
        pipeline.zremrangebyscore(WORKERS, "-inf", now - WORKER_SILENCE_SECONDS * 1000)
        pipeline.execute()

    def deregister_worker(self, worker: str, threads: int) -> None:
        """Record that a worker process has ended."""
        self.client.zrem(WORKERS, f"{threads} {worker}")

    def workers(self) -> dict[str, int]:
        """Return the worker processes that reported recently, with their numbers of threads."""
        since = self.now_ms() - WORKER_SILENCE_SECONDS * 1000
        names = (raw.decode().partition(" ") for raw in self.client.zrangebyscore(WORKERS, since, "+inf"))
        return {name: int(threads) for threads, _, name in names}

    def sink_states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each sink that is not simply active."""
        return self.health.states()

    def disable_sink(self, sink: str, reason: str) -> bool:
        """Stop delivering to a sink; pending deliveries are kept. Returns True if it was enabled."""
        return self.health.disable(sink, reason)

    def enable_sink(self, sink: str) -> bool:
        """Deliver to a sink again. Returns True if it was disabled."""
        return self.health.enable(sink)

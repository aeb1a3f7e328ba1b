"""The limiters behind one interface: wait until a request may start, and give the token back (ours only)."""

from __future__ import annotations

import importlib.util
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from limiters.traffic import Traffic


class Limiter(Protocol):
    """Safe to share between the threads of a process."""

    def acquire(self, until: float) -> bool:
        """Wait until a request may start, at most until `until` (monotonic); False if it may not."""

    def release(self) -> None:
        """Report that the response to this thread's request has arrived."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A limiter in the comparison: its library, its settings, and its factory make(redis_url, traffic)."""

    name: str
    module: str
    package: str
    how: str
    make: Callable[[str, Traffic], Limiter] | None

    @property
    def missing(self) -> str | None:
        """Return why it cannot run, or None."""
        return None if importlib.util.find_spec(self.module) else f"not installed: pip install {self.package}"

    @property
    def version(self) -> str:
        return version(self.package)


class Ours:
    """`worker.ledger.bucket`: a token is free again one window after the response."""

    def __init__(self, redis_url: str, traffic: Traffic) -> None:
        import redis  # noqa: PLC0415  imported like the others: after the clock was set wrong

        from worker.ledger.bucket import TokenBucket  # noqa: PLC0415
        from worker.ledger.scripts import Scripts  # noqa: PLC0415

        self._bucket = TokenBucket(
            Scripts(redis.Redis.from_url(redis_url, protocol=2)),
            "bench",
            quota=traffic.quota,
            window_seconds=traffic.window,
            hold_seconds=60.0,
            probe_seconds=60.0,
        )
        self._local = threading.local()

    def acquire(self, until: float) -> bool:
        token = self._local.token = f"{threading.get_native_id()}:{time.monotonic_ns()}"
        while (left := until - time.monotonic()) > 0:
            grant = self._bucket.take(token, max_wait_seconds=1.0)
            time.sleep(min(grant.wait_seconds, left))
            if grant.taken:
                return grant.wait_seconds < left and self._bucket.still_open(token) == 0
        return False

    def release(self) -> None:
        self._bucket.give_back(self._local.token)


class _NothingToReturn:
    """Do nothing: libraries' limiters take no token back."""

    def release(self) -> None: ...


class Limits(_NothingToReturn):
    """The moving window of `limits`, which leaves waiting to the caller."""

    def __init__(self, redis_url: str, traffic: Traffic) -> None:
        from limits import RateLimitItemPerSecond  # noqa: PLC0415
        from limits.storage import RedisStorage  # noqa: PLC0415
        from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        self._item = RateLimitItemPerSecond(traffic.quota, traffic.window)
        self._limiter = MovingWindowRateLimiter(RedisStorage(redis_url))
        # Poll twice for each place that becomes free: less often wastes quota, more often overloads Redis.
        self._pause = traffic.window / traffic.quota / 2

    def acquire(self, until: float) -> bool:
        while (left := until - time.monotonic()) > 0:
            if self._limiter.hit(self._item, "bench"):
                return True
            reset_at = self._limiter.get_window_stats(self._item, "bench").reset_time
            time.sleep(min(left, 1.0, max(self._pause, reset_at - time.time())))
        return False


class Pyrate(_NothingToReturn):
    """`pyrate-limiter` with its bucket in Redis; it waits by itself."""

    def __init__(self, redis_url: str, traffic: Traffic) -> None:
        import redis  # noqa: PLC0415
        from pyrate_limiter import Limiter as PyrateLimiter  # noqa: PLC0415
        from pyrate_limiter import Rate, RedisBucket  # noqa: PLC0415

        rates = [Rate(traffic.quota, traffic.window * 1000)]
        self._limiter = PyrateLimiter(RedisBucket.init(rates, redis.Redis.from_url(redis_url), "pyrate"))

    def acquire(self, until: float) -> bool:
        left = until - time.monotonic()
        return left > 0 and bool(self._limiter.try_acquire("bench", timeout=left))


class Throttled(_NothingToReturn):
    """`throttled-py` with one of its algorithms; it waits by itself."""

    def __init__(self, redis_url: str, traffic: Traffic, *, using: str, burst: int | None) -> None:
        from throttled import Throttled as ThrottledLimiter  # noqa: PLC0415
        from throttled import rate_limiter, store  # noqa: PLC0415

        quota = rate_limiter.per_duration(timedelta(seconds=traffic.window), traffic.quota, burst)
        self._limiter = ThrottledLimiter(key=using, using=using, quota=quota, store=store.RedisStore(redis_url))

    def acquire(self, until: float) -> bool:
        while (left := until - time.monotonic()) > 0:
            result = self._limiter.limit(timeout=left)
            if not result.limited:
                return True
            time.sleep(min(max(0.0, until - time.monotonic()), result.state.retry_after))
        return False


def _gcra(redis_url: str, traffic: Traffic) -> Limiter:
    return Throttled(redis_url, traffic, using="gcra", burst=1)


def _token_bucket(redis_url: str, traffic: Traffic) -> Limiter:
    return Throttled(redis_url, traffic, using="token_bucket", burst=None)


CELERY = "celery"
# GCRA with its default burst (a whole quota) would equal the token bucket, so it runs without one.
ARMS = [
    Arm("ours", "worker", "legwork", "tokens, one window from the response", Ours),
    Arm("limits", "limits", "limits", "moving window", Limits),
    Arm("pyrate-limiter", "pyrate_limiter", "pyrate-limiter", "RedisBucket", Pyrate),
    Arm("throttled-py, gcra", "throttled", "throttled-py", "GCRA, no burst", _gcra),
    Arm("throttled-py, bucket", "throttled", "throttled-py", "token bucket, its own burst", _token_bucket),
    Arm(CELERY, "celery", "celery", "rate_limit, an equal part to each worker", None),
]

"""429s although we keep the quota: somebody else spends from the same account. Ours gives way, says so, and climbs back."""

from __future__ import annotations

import threading
import time
from itertools import count

import pytest
import requests
from factories import ACCOUNT, FrozenClock, make_callback, make_settings
from stubs import answer

from sandbox.quota import NANOSECONDS, OtherClient, SlidingWindow
from sandbox.server import Sandbox
from sandbox.settings import Account as SandboxAccount
from sandbox.settings import Settings as SandboxSettings
from worker.context import WorkerContext
from worker.ledger import Ledger
from worker.ledger.bucket import TRIAL_SECONDS, Gate
from worker.ledger.queries.totals import totals_of_account
from worker.steps.fetch import fetch_call

QUOTA, WINDOW_SECONDS = 40, 60.0
MINUTE = 60.0
NAMES = count()


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def ledger(client, redis_url, clock):
    settings = make_settings(redis_url, exotel_quota=QUOTA, exotel_quota_seconds=WINDOW_SECONDS)
    return Ledger(client, settings, clock=clock)


@pytest.fixture
def bucket(ledger):
    return ledger.calls[ACCOUNT].bucket


class Exotel:
    """What a worker sees of it: an exact sliding window, and another program of the same customer that spends from it."""

    def __init__(self, clock):
        self._clock = clock
        self._window = SlidingWindow(QUOTA, round(WINDOW_SECONDS * NANOSECONDS))
        self._other = None

    def eat(self, per_window):
        """Let the other program spend so many requests a window, evenly; 0 ends it."""
        self._other = OtherClient(per_window / WINDOW_SECONDS, self._now()) if per_window else None

    def ask(self):
        """None for an answer, else the `Retry-After` of a 429."""
        if self._other:
            self._other.spend(self._window, self._now())
        over = self._window.arrive(self._now())
        return None if over is None else -(-over // NANOSECONDS)

    def _now(self):
        return round(self._clock.now_ms * 1_000_000)


def spend(bucket, clock, exotel, seconds):
    """Ask for calls, one after the other, as often as the bucket allows; (answered, refused)."""
    until, answered, refused = clock.now_ms + seconds * 1000, 0, 0
    while clock.now_ms < until:
        token = f"token{next(NAMES)}"
        grant = bucket.take(token, max_wait_seconds=1.0)
        clock.advance(max(0.001, grant.wait_seconds))
        if not grant.taken or (grant.wait_seconds and bucket.still_open(token)):
            continue
        clock.advance(0.05)
        retry_after = exotel.ask()
        clock.advance(0.05)
        bucket.give_back(token)
        if retry_after is None:
            answered += 1
            if grant.is_probe:
                bucket.resume()
        else:
            refused += 1
            bucket.pause(retry_after)
    return answered, refused


def state(ledger):
    return totals_of_account(ledger, ACCOUNT).state


def test_with_half_the_quota_eaten_429s_become_rare_and_most_of_the_rest_is_used(ledger, bucket, clock):
    exotel = Exotel(clock)
    exotel.eat(QUOTA / 2)
    spend(bucket, clock, exotel, 5 * MINUTE)
    states, answered, refused = [], 0, 0
    for _ in range(40):
        more, refused_now = spend(bucket, clock, exotel, MINUTE)
        answered, refused = answered + more, refused + refused_now
        states.append(state(ledger))
    left = QUOTA / 2 * 40
    assert refused <= 0.01 * answered
    assert answered >= 0.75 * left
    # Whoever looks sees it nearly always; but for the moments of a pause.
    assert states.count("yielding") >= 35
    assert set(states) <= {"yielding", "paused"}


def test_when_the_other_one_is_gone_it_climbs_back_to_the_whole_quota(ledger, bucket, clock):
    exotel = Exotel(clock)
    exotel.eat(QUOTA / 2)
    spend(bucket, clock, exotel, 10 * MINUTE)
    assert bucket.look().limit <= QUOTA / 2
    exotel.eat(0)
    # Ten minutes of giving way at most, and half the quota at a twentieth a minute.
    limits = []
    for _ in range(23):
        spend(bucket, clock, exotel, MINUTE)
        limits.append(bucket.look().limit)
    assert limits == sorted(limits)
    assert limits[-1] == QUOTA
    assert state(ledger) == "active"
    assert spend(bucket, clock, exotel, 10 * WINDOW_SECONDS)[1] == 0


def test_where_nobody_else_spends_nothing_is_given_away(ledger, bucket, clock):
    assert spend(bucket, clock, Exotel(clock), 10 * MINUTE)[1] == 0
    assert state(ledger) == "active"


def test_a_storm_counts_once_however_long_it_lasts(bucket, clock):
    """Thirty seconds of 429s took three quarters of the quota away for ten minutes, and a quarter of an hour more."""
    assert bucket.pause(5)
    for _ in range(6):
        clock.advance(5)
        trial = f"token{next(NAMES)}"
        assert bucket.take(trial).why == "trial"
        bucket.give_back(trial)
        assert not bucket.pause(5)
    assert bucket.look().limit == 0.8 * QUOTA


def test_after_a_pause_one_request_goes_first_and_the_others_when_it_got_in(bucket, clock):
    bucket.pause(5)
    clock.advance(5)
    assert bucket.look().gate is Gate.TRIAL
    assert bucket.take("first").is_probe
    assert bucket.take("second").why == "paused"
    assert bucket.look().gate is Gate.PAUSED
    bucket.give_back("first")
    assert bucket.resume()
    assert bucket.take("second").why == "taken"


def test_a_trial_that_is_never_heard_of_again_is_followed_by_another(bucket, clock):
    bucket.pause(5)
    clock.advance(5)
    assert bucket.take("dies").is_probe
    assert bucket.take("next").wait_seconds == TRIAL_SECONDS
    clock.advance(TRIAL_SECONDS)
    assert bucket.take("next").is_probe


def test_a_new_storm_takes_a_fifth_of_what_was_climbed_to(bucket, clock):
    bucket.pause(0)
    bucket.resume()
    clock.advance(10 * MINUTE + 2 * MINUTE)
    assert bucket.look().limit == 0.9 * QUOTA
    bucket.pause(0)
    assert bucket.look().limit == int(0.8 * 0.9 * QUOTA)


def test_a_probe_reserves_no_token(client, redis_url, clock):
    """It waited for the token it had reserved, found the gate shut (by itself), and was lost for a whole probe time."""
    settings = make_settings(redis_url, exotel_quota=1, exotel_quota_seconds=10)
    bucket = Ledger(client, settings, clock=clock).calls[ACCOUNT].bucket
    bucket.take("before")
    bucket.give_back("before")
    clock.advance(9.5)
    bucket.pause(0)
    refused = bucket.take("trial", max_wait_seconds=1.0)
    assert (refused.taken, refused.why, refused.wait_seconds) == (False, "empty", pytest.approx(0.5))
    clock.advance(0.5)
    assert bucket.take("trial", max_wait_seconds=1.0).is_probe


def test_of_the_calls_that_waited_for_the_end_of_a_pause_one_asks_first(bench, exotel):
    """With forty threads there were forty 429s at the end of each pause, and forty more at the end of the next."""
    exotel.then(*[answer(status=429, **{"Retry-After": "30"})] * 2)
    for number in range(5):
        bench.admit(f"call{number:04}")
    bench.fetch()
    bench.clock.advance(30)
    for _ in range(5):
        bench.fetch()
    assert len(exotel.seen) == 2
    bench.clock.advance(30)
    for _ in range(5):
        bench.fetch()
    assert len(exotel.seen) == 7, "the first of these got in (a 404 is an answer), and opened the gate"
    assert bench.gate() == "open"


@pytest.mark.slow
def test_workers_share_an_account_with_a_program_that_takes_half(client, redis_url):
    """Threads of a worker, real windows, and the sandbox's own other client."""
    account = SandboxAccount(ACCOUNT, "the-api-key", "the-api-token")
    pretend = SandboxSettings(port=0, quota=20, quota_seconds=2, accounts=(account,), speed=1000)
    with Sandbox(pretend) as sandbox:
        settings = make_settings(redis_url, exotel_base_url=sandbox.url, exotel_quota=20, exotel_quota_seconds=2)
        ledger = Ledger(client, settings)
        context, book = WorkerContext(settings, ledger, {}), ledger.calls[ACCOUNT]
        eaten = {"fault": "eat", "per_second": 5}
        requests.post(f"{sandbox.url}/faults", json=eaten, timeout=30).raise_for_status()
        admit(sandbox, book, 160)
        until = time.monotonic() + 16

        def work():
            while time.monotonic() < until:
                leases = book.fetches.lease(1)
                for lease in leases:
                    fetch_call(context, ACCOUNT, lease)
                if not leases:
                    time.sleep(0.02)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        standing = totals_of_account(ledger, ACCOUNT)
        arrived = requests.get(f"{sandbox.url}/requests", timeout=30).json()["requests"]
    assert standing.state in {"yielding", "paused"}
    assert standing.look.limit <= 12
    # 5 a second are left. In the first seconds it finds out; after that nearly all get in.
    late = [arrival["status"] for arrival in arrived if arrival["monotonic"] > until - 6]
    assert late.count(429) <= 0.2 * len(late)
    assert standing.settled >= 0.6 * 5 * 16
    assert standing.dead == 0


def admit(sandbox, book, count):
    order = {"scenario": "answered", "count": count, "ended_ago": 5, "callbacks": False}
    for sid in requests.post(f"{sandbox.url}/calls", json=order, timeout=30).json()["call_sids"]:
        book.admit(make_callback(sid), wait_seconds=0)

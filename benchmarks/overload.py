"""Post 50,000 callbacks as fast as the machine accepts them, while Exotel refuses all requests, and measure the result.

Web and workers run as processes, with several accounts. Guarantees: every callback answered with 200 is stored; a minimal one
takes at most 500 bytes of Redis; console, probe and `legwork status` respond during the load; a fresh call of a quiet account
is fetched at once, although a busy one has 50,000 waiting; and when Exotel accepts requests again, the backlog drains in
backlog / quota, within 2 %.

The last is measured over the first calls to be drained, at a quota that this machine can easily serve: it measures the rate
at which calls are released, not the speed of the machine. The time is measured from the first request to a later one, a
whole number of quotas apart, so that the burst at the start has no effect.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from crowd.clients import Client, flood
from crowd.onlookers import Operator, Tail, fresh_calls
from crowd.stage import WORKERS, Stage, wait_until

RESULTS = Path(__file__).parent / "results" / "overload.json"
NOISY, STEADY, QUIET = "noisy1m", "steady1m", "quiet1m"
# One in this many callbacks is of another account, which is refused too.
STEADY_SHARE = 25
BYTES_A_CALL = 500
# Seconds by which a quiet account's call may be fetched later than without the load.
LATER_SECONDS = 1.0
# Seconds after which operators, and most proxies, give up.
ANSWER_SECONDS = 30.0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("calls", nargs="?", type=int, default=50_000)
    parser.add_argument("--drained", type=int, default=1_600, help="calls over which the drain is measured")
    parser.add_argument("--quota", type=int, default=200)
    parser.add_argument("--window", type=int, default=20, help="seconds of the quota")
    parser.add_argument("--fresh", type=int, default=20, help="calls of the quiet account, each time")
    parser.add_argument("--looks", type=int, default=3, help="of the operator, at least")
    parser.add_argument("--tolerance", type=float, default=0.02, help="of the drain time")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def overload(stage: Stage, asked: argparse.Namespace) -> dict[str, Any]:
    tail = Tail(stage.exotel)
    with Operator(stage, asked.looks) as idle:
        alone = fresh_calls(stage, tail, QUIET, asked.fresh)
    for account in (NOISY, STEADY):
        stage.refuse(account)
        find_out(stage, account)
    before = stage.status()["calls"]["received"]
    callbacks = [(stage.callback_path(NOISY), sid) for sid in stage.place(NOISY, asked.calls)]
    for at, sid in enumerate(stage.place(STEADY, asked.calls // STEADY_SHARE)):
        callbacks.insert(at * (STEADY_SHARE + 1), (stage.callback_path(STEADY), sid))
    memory = stage.memory()
    began = time.monotonic()
    with Operator(stage, asked.looks) as flooded:
        statuses = flood(stage.url, callbacks)
        seconds = time.monotonic() - began
    bytes_a_call = (stage.memory() - memory) / len(callbacks)
    status = stage.status()
    paused = fresh_calls(stage, tail, QUIET, asked.fresh)
    drained, beside = drain(stage, tail, asked)
    ratios = {name: round(flooded.median(name) / idle.median(name), 2) for name in idle.took}
    return {
        "callbacks": len(callbacks),
        "seconds": round(seconds, 2),
        "a_second": round(len(callbacks) / seconds, 1),
        "answers": {str(code): number for code, number in statuses.items()},
        "received": status["calls"]["received"] - before,
        # A probe leases a call of the backlog for a short time.
        "waiting": {
            sid: sum(status["accounts"][sid][key] for key in ("waiting", "fetching")) for sid in (NOISY, STEADY)
        },
        "bytes_a_call": round(bytes_a_call, 1),
        "looks": {"idle": idle.figures(), "flooded": flooded.figures(), "ratio_of_medians": ratios},
        "looks_failed": idle.failed + flooded.failed,
        "fresh_call_seconds": {
            "alone": summary(alone),
            "beside_a_backlog_that_waits": summary(paused),
            "beside_a_backlog_that_drains": summary(beside),
        },
        "drain": drained,
    }


def find_out(stage: Stage, account: str) -> None:
    """Suspend an account by having its credentials refused."""
    (sid,) = stage.place(account, 1)
    Client(stage.url).post(stage.callback_path(account), sid)
    wait_until(lambda: stage.status()["accounts"][account]["state"] == "suspended", "the suspension")


def drain(stage: Stage, tail: Tail, asked: argparse.Namespace) -> tuple[dict[str, Any], list[float]]:
    """Let Exotel answer again; measure how long the backlog takes, and how long fresh calls of the quiet account wait."""
    tail.follow()
    earlier = len(tail.times(NOISY))
    stage.accept()
    wait_until(lambda: tail.follow() or len(tail.times(NOISY)) > earlier, "the first call to be let in")
    beside = fresh_calls(stage, tail, QUIET, asked.fresh)
    expected = asked.drained / asked.quota * asked.window
    needed = earlier + asked.drained + 1
    wait_until(lambda: tail.follow() or len(tail.times(NOISY)) >= needed, "the drain", 3 * expected + 30)
    arrivals = tail.times(NOISY)[earlier:]
    rounds = [later - early for early, later in zip(arrivals, arrivals[asked.quota :], strict=False)]
    seconds = arrivals[asked.drained] - arrivals[0]
    return {
        "calls": asked.drained,
        "quota": asked.quota,
        "quota_seconds": asked.window,
        "expected_seconds": expected,
        "seconds": round(seconds, 3),
        "off": round(seconds / expected - 1, 4),
        "shortest_round_seconds": round(min(rounds), 4),
        "longest_round_seconds": round(max(rounds), 4),
        "still_waiting": stage.status()["accounts"][NOISY]["waiting"],
    }, beside


def summary(seconds: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 3), "longest": round(max(seconds), 3)}


def promises(figures: dict[str, Any], asked: argparse.Namespace) -> dict[str, bool]:
    fresh, accepted = figures["fresh_call_seconds"], figures["answers"].get("200", 0)
    looks = figures["looks"]["flooded"].values()
    return {
        "every callback is answered with 200, and every 200 is kept": (
            accepted == figures["callbacks"] == figures["received"] == sum(figures["waiting"].values()) - 2
        ),
        f"a call takes at most {BYTES_A_CALL} bytes": figures["bytes_a_call"] <= BYTES_A_CALL,
        f"whoever looks sees something within {ANSWER_SECONDS:g} s": (
            not figures["looks_failed"] and all(look["longest"] <= ANSWER_SECONDS for look in looks)
        ),
        f"a fresh call of a quiet account is asked for at most {LATER_SECONDS:g} s later than by itself": all(
            times["median"] <= fresh["alone"]["median"] + LATER_SECONDS for times in fresh.values()
        ),
        f"the backlog drains in backlog / quota, within {asked.tolerance:.0%}": (
            abs(figures["drain"]["off"]) <= asked.tolerance
        ),
        "no window holds more than the quota": figures["drain"]["shortest_round_seconds"] >= asked.window,
    }


def main() -> int:
    asked = arguments()
    quotas = {NOISY: (asked.quota, asked.window), STEADY: (asked.quota // 4, asked.window), QUIET: (200, 60)}
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder), quotas) as stage:
        about = {name: value for name, value in vars(asked).items() if name != "results"}
        versions = {
            "python": platform.python_version(),
            "server": stage.redis.info("server").get("valkey_version", "redis"),
        }
        # Other load on the machine is part of the measurement.
        about["load_average"] = [round(load, 1) for load in os.getloadavg()]
        figures = {"asked": about, "versions": versions, "workers": WORKERS} | overload(stage, asked)
    kept = promises(figures, asked)
    figures["promises"] = kept
    asked.results.parent.mkdir(exist_ok=True)
    asked.results.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    for promise, is_kept in kept.items():
        print("kept    " if is_kept else "NOT kept", promise)
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

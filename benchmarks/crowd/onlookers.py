"""Observers during the load: an operator at console and command line, a quiet account, and Exotel's request log."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from crowd.clients import Client
from crowd.stage import SETTLE_SECONDS, wait_until

if TYPE_CHECKING:
    from crowd.stage import Stage

PAGES = {"GET /": "/", "GET /readyz": "/readyz"}
COMMAND = "legwork status"


@dataclass
class Looks:
    """The seconds that each request took, and the failed ones."""

    took: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*PAGES, COMMAND)})
    failed: list[str] = field(default_factory=list)

    def median(self, name: str) -> float:
        return statistics.median(self.took[name])

    def figures(self) -> dict[str, Any]:
        return {
            name: {"looks": len(took), "median": round(statistics.median(took), 4), "longest": round(max(took), 4)}
            for name, took in self.took.items()
        }


class Operator:
    """Requests every page repeatedly during a `with` block, at least `at_least` times."""

    def __init__(self, stage: Stage, at_least: int) -> None:
        self.looks = Looks()
        self._stage = stage
        self._at_least = at_least
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Looks:
        self._thread.start()
        return self.looks

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _look(self) -> None:
        rounds = 0
        while rounds < self._at_least or not self._enough.is_set():
            rounds += 1
            for _ in range(5):
                for name, path in PAGES.items():
                    self._time(name, lambda path=path: self._get(path))
                time.sleep(0.1)
            self._time(COMMAND, self._stage.status)

    def _time(self, name: str, look) -> None:
        began = time.monotonic()
        try:
            look()
        except Exception as error:  # noqa: BLE001  any error means that an operator would have seen nothing
            self.looks.failed.append(f"{name}: {error}")
        self.looks.took[name].append(time.monotonic() - began)

    def _get(self, path: str) -> None:
        requests.get(self._stage.url + path, timeout=30).raise_for_status()


class Tail:
    """Follows the requests that Exotel accepts, as (account, CallSid, monotonic time)."""

    def __init__(self, exotel: str) -> None:
        self._exotel = exotel
        self._next = 0
        self.arrivals: list[tuple[str, str, float]] = []

    def follow(self) -> None:
        """Read all new requests."""
        while True:
            query = {"since": self._next, "limit": 10_000}
            answer = requests.get(f"{self._exotel}/requests", params=query, timeout=30).json()
            self._next = answer["next"]
            self.arrivals += [
                (row["account_sid"], row["call_sid"], row["monotonic"])
                for row in answer["requests"]
                if row["status"] == 200
            ]
            if not answer["requests"]:
                return

    def times(self, account: str) -> list[float]:
        return [at for sid, _, at in self.arrivals if sid == account]

    def time_of(self, call_sid: str) -> float | None:
        self.follow()
        return next((at for _, sid, at in reversed(self.arrivals) if sid == call_sid), None)


def fresh_calls(stage: Stage, tail: Tail, account: str, count: int) -> list[float]:
    """Return the seconds from a fresh call's callback to its request at Exotel, without SETTLE_SECONDS, call by call."""
    client, path, took = Client(stage.url), stage.callback_path(account), []
    for sid in stage.place(account, count):
        began = time.monotonic()
        status = client.post(path, sid)
        if status != 200:
            raise RuntimeError(f"the callback of a quiet account was answered with {status}")
        arrived = wait_until(lambda sid=sid: tail.time_of(sid), "the request of a fresh call")
        took.append(arrived - began - SETTLE_SECONDS)
    return took

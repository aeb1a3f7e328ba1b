"""Measure what the console's reads cost the workers: process the same calls with and without open pages.

Real processes: web, worker, Redis, sandbox. Rounds alternate: without, and with PAGES open pages that each request the
overview every 4 s as a browser does, and as many for a call. Compared is the time from the first callback to the last record
of CALLS calls; the raw figures show the machine's noise. Guarantee: no measurable cost.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import requests
from end_to_end.stage import Stage

CALLS = 600
ROUNDS = 5
PAGES = 4
EVERY_SECONDS = 4.0
RESULTS = Path(__file__).parent / "results" / "console_cost.json"


def work_off(stage):
    """Return the seconds until the record of the last of CALLS calls is written."""
    sids = stage.place("01", count=CALLS)
    before = len(stage.records())
    began = time.perf_counter()
    for sid in sids:
        assert stage.post(sid).status_code == 200
    while len(stage.records()) < before + CALLS:
        assert time.perf_counter() - began < 120, "records are missing"
        time.sleep(0.02)
    return time.perf_counter() - began


class Pages:
    """Simulate open pages that refresh."""

    def __init__(self, stage, path):
        self._url = f"{stage.url}{path}"
        self._stop = threading.Event()
        self.asked = 0
        self._threads = [threading.Thread(target=self._look, args=(number,)) for number in range(PAGES)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _look(self, number):
        with requests.Session() as session:
            self._stop.wait(number * EVERY_SECONDS / PAGES)
            while not self._stop.is_set():
                assert session.get(self._url, timeout=10).status_code == 200
                self.asked += 1
                self._stop.wait(EVERY_SECONDS)


def main():
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder), EXOTEL_QUOTA="100000") as stage:
        stage.start_line("web")
        stage.start_line("worker")
        work_off(stage)  # warm-up: everything is loaded
        rounds = []
        for _ in range(ROUNDS):
            alone = work_off(stage)
            with Pages(stage, "/") as overview, Pages(stage, "/calls") as calls:
                watched = work_off(stage)
            rounds.append({"alone": alone, "watched": watched, "pages_asked": overview.asked + calls.asked})
            print(f"alone {alone:6.2f} s   watched {watched:6.2f} s   {watched / alone:5.2f} times")
    ratio = statistics.median(it["watched"] / it["alone"] for it in rounds)
    print(f"{CALLS} calls, {2 * PAGES} open pages: median {ratio:.3f} times")
    RESULTS.write_text(
        json.dumps({"calls": CALLS, "pages": 2 * PAGES, "rounds": rounds}, indent=2) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the processor time in which the commands that people run most start and end, in a Redis with a few calls.

Each round runs every command once, with `python -c pass` and `legwork --version` among them: on a shared machine only the
ratios within a run mean anything. The bytecode is compiled beforehand, as in an installed Legwork. Guarantee: none of
the commands takes more than MOST_RATIO times `--version`; most of that is redis-py and marshmallow, which every one of them
needs and which are measured beside them.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from subprocess import DEVNULL, Popen

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cli_kit import ENVIRON, open_ledger, settle

from worker.process import embedded_redis

ROOT = Path(__file__).parents[1]
ROUNDS = 15
MOST_RATIO = 7.0
LEGWORK = ("-m", "webhook.cli")
MEASURED = {
    "python -c pass": ("-c", "pass"),
    "import redis, marshmallow": ("-c", "import redis, marshmallow"),
    "legwork --version": (*LEGWORK, "--version"),
    "legwork status": (*LEGWORK, "status"),
    "legwork status --json": (*LEGWORK, "status", "--json"),
    "legwork calls list": (*LEGWORK, "calls", "list"),
    "legwork check": (*LEGWORK, "check"),
}
RESULTS = Path(__file__).parent / "results" / "startup.json"


def processor_seconds(arguments, environ):
    """Return the user and system time of a Python process with these arguments."""
    process = Popen([sys.executable, *arguments], env=environ, cwd=ROOT, stdout=DEVNULL, stderr=DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime


def measure(environ):
    """Return the times of each command in seconds, after a round that is not counted."""
    times = {name: [] for name in MEASURED}
    for number in range(ROUNDS + 1):
        for name, arguments in MEASURED.items():
            seconds = processor_seconds(arguments, environ)
            if number:
                times[name].append(round(seconds, 4))
    return times


def report(times):
    version = statistics.median(times["legwork --version"])
    figures = {}
    for name, found in times.items():
        median = statistics.median(found)
        figures[name] = {
            "median_seconds": round(median, 3),
            "least_seconds": round(min(found), 3),
            "times_version": round(median / version, 1),
            "seconds": found,
        }
        print(f"{name:28} median {median:6.3f} s, least {min(found):6.3f} s, {median / version:4.1f} times --version")
    return figures


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_redis.start(Path(folder), settings='appendonly no\nsave ""\n')
        try:
            ledger = open_ledger(server.url)
            for number in range(20):
                settle(ledger, f"settled{number:04}")
            environ = {
                **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
                **ENVIRON,
                "REDIS_URL": server.url,
                "EXOTEL_BASE_URL": "http://127.0.0.1:9",
                "PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode"),
            }
            figures = report(measure(environ))
        finally:
            server.stop()
    document = {"rounds": ROUNDS, "figures": figures}
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0 if all(each["times_version"] <= MOST_RATIO for each in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

"""The file by which a probe tells a worker that works from one that hangs."""

from __future__ import annotations

import os

import pytest
from cli_kit import run
from processes import READ_SETTINGS, Process, until

from worker.process.embedded_redis import free_port

WORKER = READ_SETTINGS + (
    "from pathlib import Path; from worker.process import heartbeat; from worker.run import run_worker\n"
    "heartbeat.BEAT_SECONDS = 0.05\n"
    "sys.exit(run_worker(settings, threads=1, heartbeat=heartbeat.Heartbeat(Path('alive'))))"
)


@pytest.fixture
def begin(tmp_path):
    processes = []

    def start(redis_url, **variables):
        processes.append(Process(WORKER, tmp_path, redis_url=redis_url, sinks="stdout:", **variables))
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


def beats_again(file):
    """Is the file touched after it was made an hour old?"""
    until(file.exists)
    an_hour_ago = file.stat().st_mtime - 3600
    os.utime(file, (an_hour_ago, an_hour_ago))
    return until(lambda: file.stat().st_mtime > an_hour_ago + 1800)


@pytest.mark.slow
def test_a_worker_that_works_beats(begin, redis_url, tmp_path):
    worker = begin(redis_url)
    worker.wait_for("worker.ready")
    assert beats_again(tmp_path / "alive")


@pytest.mark.slow
def test_a_worker_that_waits_for_redis_beats_too(begin, tmp_path):
    worker = begin(f"redis://127.0.0.1:{free_port()}/0")
    worker.wait_for("ledger.unreachable")
    assert beats_again(tmp_path / "alive")


@pytest.mark.slow
def test_a_worker_that_waits_for_the_broker_beats_too(begin, redis_url, tmp_path):
    """The dispatcher, which beats, begins when the broker is there: a probe killed worker after worker until then."""
    worker = begin(redis_url, broker_url=f"redis://127.0.0.1:{free_port()}/0")
    until(lambda: "Cannot connect to" in worker.err.read_text())
    assert beats_again(tmp_path / "alive")


def test_a_place_that_cannot_be_touched_is_refused_at_the_start(redis_url, tmp_path):
    result = run("worker", "--heartbeat", str(tmp_path / "no" / "alive"), redis_url=redis_url)
    assert result.exit_code == 2
    assert "cannot be written (No such file or directory); name one in an existing, writable directory" in result.output

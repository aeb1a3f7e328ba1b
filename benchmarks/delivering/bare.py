"""The baseline for deliveries: threads that sign and POST with `requests`, without a ledger."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import UTC, datetime
from typing import Any

import orjson
import requests
from standardwebhooks import Webhook


def send_all(url: str, secret: str, records: list[dict[str, Any]], threads: int) -> None:
    """POST all records, each once, from a separate process."""
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(url, secret, records, threads))
    process.start()
    process.join()
    assert process.exitcode == 0


def _run(url: str, secret: str, records: list[dict[str, Any]], threads: int) -> None:
    waiting, lock = iter(records), threading.Lock()

    def work() -> None:
        signer = Webhook(secret)
        with requests.Session() as session:
            while True:
                with lock:
                    record = next(waiting, None)
                if record is None:
                    return
                body, now = orjson.dumps(record), datetime.now(UTC)
                headers = {
                    "Content-Type": "application/cloudevents+json",
                    "webhook-id": record["id"],
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": signer.sign(record["id"], now, body.decode()),
                }
                session.post(url, data=body, headers=headers, timeout=15, allow_redirects=False).raise_for_status()

    crew = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()

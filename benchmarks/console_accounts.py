"""Measure pages and metrics with 1, 50 and 500 accounts and five sinks: one company, or a provider with hundreds.

Rendered in this process, by the real application and a real Redis. Each account has a waiting call, a failed one, and a
delivery to each sink. There is no limit for these; the output shows how the time grows with the accounts.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from console import measure
from factories import make_callback

from schemas.settings import load_settings
from webhook import create_app
from worker.ledger.call import Verdict
from worker.process import embedded_redis

ACCOUNTS = (1, 50, 500)
SINKS = 5
REQUESTS = 9
PATHS = ("/", "/metrics", "/api/status", "/calls", "/calls/{last}", "/dead", "/accounts")
RESULTS = Path(__file__).parent / "results" / "console_accounts.json"


def settings(folder, url, accounts):
    lines = []
    for number in range(accounts):
        lines += ["[[accounts]]", f'sid = "account{number}"', 'api_key = "key"', 'api_token = "token"']
        lines += [f'callback_token = "callback-token-{number:06}"']
    for number in range(SINKS):
        lines += ["[[sinks]]", f'name = "sink{number}"', f'url = "file://{folder}/{number}.jsonl"']
    (folder / "legwork.toml").write_text("\n".join(lines), encoding="utf-8")
    return load_settings({"REDIS_URL": url}, directory=folder)


def fill(ledger):
    """Create for each account a waiting call, a failed one, and a settled one whose record waits for each sink."""
    for number, book in enumerate(ledger.calls.values()):
        settled, dead, waits = (f"{name}{number:06}" for name in ("settled", "dead", "waits"))
        for sid, outcome in ((settled, "settled"), (dead, "dead")):
            book.admit(make_callback(sid), wait_seconds=0)
            (lease,) = book.fetches.lease(1)
            book.claim(lease)
            event = {"id": f"evt_{sid}", "type": "legwork.call.completed", "data": {}}
            sinks = [*ledger.sinks] if outcome == "settled" else []
            book.decide(sid, lease, Verdict(outcome, 1, event_key="1/completed", event=event, sinks=sinks, reason="no"))
        book.admit(make_callback(waits), wait_seconds=60)


def main():
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = embedded_redis.start(folder, settings='appendonly no\nsave ""\n')
        try:
            for number in ACCOUNTS:
                app = create_app(settings(folder, server.url, number))
                ledger = app.extensions["legwork"].ledger
                ledger.client.flushall()
                ledger.open()
                fill(ledger)
                client = app.test_client()
                found[number] = {
                    path: measure(client, path.format(last=f"waits{number - 1:06}"), requests=REQUESTS)
                    for path in PATHS
                }
        finally:
            server.stop()
    print("accounts      " + "".join(f"{number:>12}" for number in ACCOUNTS))
    for path in PATHS:
        print(f"{path:14}" + "".join(f"{found[number][path]:9.1f} ms" for number in ACCOUNTS))
    RESULTS.write_text(json.dumps({str(number): found[number] for number in ACCOUNTS}, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

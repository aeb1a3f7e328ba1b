# /// script
# requires-python = ">=3.11"
# dependencies = ["flask>=3.1", "standardwebhooks>=1.0.1"]
# ///
"""Takes Legwork's records: checks the signature, keeps the newest record of each call in SQLite, and answers."""

import json
import logging
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError

# One secret, or several separated by spaces: a record is genuine if one of them fits.
SIGNERS = [Webhook(secret) for secret in os.environ["LEGWORK_SECRET"].split()]
DATABASE = os.environ.get("DATABASE", "calls.db")
# A record has some kilobytes; one with hundreds of callbacks is still far below this.
LARGEST_BODY = 8 * 1024 * 1024

TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS received (webhook_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS calls (
    account_sid TEXT, call_sid TEXT, revision INTEGER, known INTEGER, type TEXT, record TEXT,
    PRIMARY KEY (account_sid, call_sid)
);
"""
# The higher revision wins; of two with the same one, a record with legs wins over one that says there are none to be had.
KEEP = """
INSERT INTO calls VALUES (:account_sid, :call_sid, :revision, :known, :type, :record)
ON CONFLICT DO UPDATE SET revision = :revision, known = :known, type = :type, record = :record
WHERE (excluded.revision, excluded.known) > (calls.revision, calls.known)
"""

logging.basicConfig(level=logging.INFO)
app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY


def connect() -> sqlite3.Connection:
    """Open the database; whoever finds it locked waits, and Legwork waits 15 seconds for the answer."""
    return sqlite3.connect(DATABASE, timeout=10)


with closing(connect()) as database:
    database.executescript(TABLES)


@app.post("/")
def receive() -> tuple[str, int]:
    """Answer 204 once the record is safe; whatever takes longer than that is for another process to do, later."""
    # The very bytes that came: the signature is over these.
    if not is_genuine(request.get_data(), request.headers):
        return "not signed with our secret, or not within the last five minutes\n", 401
    record = request.get_json(force=True)
    if record["type"].startswith("legwork.call."):
        take(request.headers["webhook-id"], record)
    # A ping, or a type that is newer than this receiver: nothing to keep, and no reason to have it sent again.
    return "", 204


def is_genuine(body: bytes, headers: Mapping[str, str]) -> bool:
    """Is this signed with one of our secrets, within the last five minutes?"""
    for signer in SIGNERS:
        try:
            signer.verify(body, headers, json_parse=False)
        # The library's own error, and ValueError for a signature that is not even written like one.
        except (WebhookVerificationError, ValueError):
            continue
        return True
    return False


def take(webhook_id: str, record: dict[str, Any]) -> None:
    """Keep a record, once, in one transaction: after a crash it is either there, or it comes again."""
    call = record["data"]
    row = {
        **{name: call[name] for name in ("account_sid", "call_sid", "revision")},
        "known": record["type"] != "legwork.call.unavailable",
        "type": record["type"],
        "record": json.dumps(record),
    }
    with closing(connect()) as database, database:
        if not database.execute("INSERT OR IGNORE INTO received VALUES (?)", [webhook_id]).rowcount:
            return  # it came before
        if not database.execute(KEEP, row).rowcount:
            app.logger.info("older than what is known: %(call_sid)s revision %(revision)s", row)
            return
        # Your work begins here. What has to happen exactly once belongs into this transaction.
        app.logger.info("%(type)s: %(call_sid)s revision %(revision)s", row)

"""The door as a test sees it: Flask's client on the real application, with the real Redis behind it."""

from __future__ import annotations

from factories import ACCOUNT, TOKEN, make_settings

from webhook import create_app
from worker.connections import connect
from worker.ledger import Ledger
from worker.ledger.backlog import Lane
from worker.ledger.queries.lookup import call_history

SID = "3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"
OTHER = "7b2e4d6f8a1c3e5097d4b6f8c2a01a9g"
STATUS, PASSTHRU = f"/callbacks/{TOKEN}/status", f"/callbacks/{TOKEN}/passthru"
PROBLEM = "application/problem+json"


class WebApp:
    """An application, a client of it, and a look into its ledger."""

    def __init__(self, redis_url, **variables):
        self.settings = make_settings(redis_url, **variables)
        self.app = create_app(self.settings)
        self.client = self.app.test_client()
        self.redis = connect(self.settings)
        self.ledger = Ledger(self.redis, self.settings)

    def close(self):
        self.redis.close()
        self.app.extensions["legwork"].ledger.client.close()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def post(self, path, **options):
        return self.client.post(path, **options)

    def story(self, call_sid=SID):
        """All that was noted of a call; None if nothing was."""
        return call_history(self.ledger, call_sid)

    def params(self, call_sid=SID):
        """The parameters of each callback of a call."""
        story = self.story(call_sid)
        return [callback.params for callback in story.callbacks] if story else []

    def due_in(self, call_sid=SID, account=ACCOUNT):
        """In how many seconds a call is due."""
        due = self.redis.zscore(self.ledger.calls[account].fetches.due_key(Lane.LIVE), call_sid)
        return (due - self.ledger.now_ms()) / 1000

    def is_empty(self):
        """Was nothing at all noted?"""
        return not list(self.redis.scan_iter("lw:{*"))

"""What tests of several rooms make: settings, callbacks, and a clock that stands still until it is moved."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.callback import Callback, load_callbacks
from schemas.settings import Settings, load_settings

TOKEN = "test-callback-token-0001"
ACCOUNT = "acme1m"
NOWHERE = Path("/nonexistent")


def make_settings(redis_url: str = "redis://127.0.0.1:1/0", **variables: Any) -> Settings:
    """Settings of one account, as the environment would give them; lower-case names are fine."""
    environ = {
        "REDIS_URL": redis_url,
        "EXOTEL_ACCOUNT_SID": ACCOUNT,
        "EXOTEL_API_KEY": "the-api-key",
        "EXOTEL_API_TOKEN": "the-api-token",
        "CALLBACK_TOKEN": TOKEN,
        "SINKS": "stdout:",
    }
    return load_settings(environ | {name.upper(): str(value) for name, value in variables.items()}, directory=NOWHERE)


def make_callback(call_sid: str, kind: str = "status", *, ended: bool = True, **params: str) -> Callback:
    """A callback of a StatusCallback's shape; `ended=False` makes it one of a call that goes on."""
    event = {"EventType": "terminal", "Status": "completed"} if ended else {"EventType": "answered"}
    pairs = [("CallSid", call_sid), *event.items(), *params.items()]
    (callback,) = load_callbacks(kind, pairs, received_at=datetime.now(UTC))
    return callback


class FrozenClock:
    """The time that scripts are given, in milliseconds; it moves only when told to."""

    def __init__(self, now_ms: float = 1_790_000_000_000.0) -> None:
        self.now_ms = now_ms

    def __call__(self) -> str:
        return f"{self.now_ms:.3f}"

    def advance(self, seconds: float) -> None:
        self.now_ms += seconds * 1000

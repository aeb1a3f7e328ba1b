"""What can go wrong, sorted by what to do next.

```text
LegworkError                 raised on purpose; the message is fit for an operator's eyes
├── TemporaryFailure         again, after `retry_after` seconds if the other side said so
│   ├── NotFinalYet          Exotel has the call, not its last word
│   ├── Unreachable          no answer, 5xx, a broken body
│   ├── Surprise             a sink's library raised what nobody expected
│   └── Throttled            429: the account pauses; costs the call no attempt
├── AccountSuspended         401, 402, 403: stop asking for this account, keep everything, tell the operator
├── PermanentFailure         bury it, with the reason
│   └── Refused              a sink said no for good
├── SinkGone                 410: disable the sink, keep what waits for it
└── LedgerUnusable           this Redis cannot hold the ledger: at the start stop, later do nothing in it; say what to change
```

Any other exception is a bug, unless it comes out of a sink (`worker/sinks/boundary.py`): it is logged with its traceback,
the lease runs its course, and after five such deaths the call is buried. `redis.RedisError` is neither: the ledger is out
of reach, nothing was decided, the lease runs its course.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """What a sink said when it did not take a record: the HTTP status, how its text begins, and when (ms since 1970)."""

    status: int
    body: str
    at: float


class LegworkError(Exception):
    """Raised on purpose; `str(error)` names no secret and no full phone number."""


class TemporaryFailure(LegworkError):
    """Raised when trying again later can help.

    `retry_after` is what the other side asked for in seconds, or None. `answer` is what a sink said, if it said anything.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, answer: LastAnswer | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answer = answer


class NotFinalYet(TemporaryFailure):
    """Raised when Exotel knows the call but its legs are not final; `body` is the answer, if it held legs."""

    def __init__(self, message: str, *, body: bytes | None = None) -> None:
        super().__init__(message)
        self.body = body


class Unreachable(TemporaryFailure):
    """Raised when no usable answer came: refused, reset, timed out, 5xx, or a body that cannot be read."""


class Surprise(TemporaryFailure):
    """Raised in the place of what came out of a sink and was none of these: its library's own exception, say."""


class Throttled(TemporaryFailure):
    """Raised when Exotel answered 429."""


class AccountSuspended(LegworkError):
    """Raised when Exotel refuses the account itself: 401, 402 or 403."""


class PermanentFailure(LegworkError):
    """Raised when no retry can help. `answer` is what a sink said, if it said anything."""

    def __init__(self, message: str, *, answer: LastAnswer | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class Refused(PermanentFailure):
    """Raised when a sink will never take this record."""


class SinkGone(LegworkError):
    """Raised when a webhook subscriber answered 410: it wants no more of this."""


class LedgerUnusable(LegworkError):
    """Raised when Redis cannot hold the ledger: too old, or written by a newer Legwork."""

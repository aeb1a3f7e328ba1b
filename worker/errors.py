"""The exceptions, sorted by what to do next.

```text
LegworkError                 raised on purpose; the message is safe to show to an operator
├── TemporaryFailure         retry, after `retry_after` seconds if the server gave them
│   ├── NotFinalYet          Exotel has the call, but its answer is not final
│   ├── Unreachable          no answer, 5xx, a broken body
│   ├── Surprise             a sink's library raised an unexpected exception
│   └── Throttled            429: the account pauses; costs the call no attempt
├── AccountSuspended         401, 402, 403: stop requests for this account, keep everything, alert the operator
├── PermanentFailure         mark as failed, with the reason
│   └── Refused              a sink refused the record permanently
├── SinkGone                 410: disable the sink, keep its pending deliveries
└── LedgerUnusable           this Redis cannot hold the ledger: at the start stop, later do not write; say what to change
```

Any other exception is a bug, unless it comes out of a sink (`worker/sinks/boundary.py`): it is logged with its traceback,
the lease expires, and after five such deaths the call is marked as failed. `redis.RedisError` is neither: the ledger is
unreachable, nothing was decided, and the lease expires.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """A sink's answer when it refused a record: the HTTP status, the start of its text, and when (ms since the epoch)."""

    status: int
    body: str
    at: float


class LegworkError(Exception):
    """Raised on purpose; `str(error)` contains no secret and no full phone number."""


class TemporaryFailure(LegworkError):
    """Raised when trying again later can help.

    `retry_after` is the wait that the server requested, in seconds, or None. `answer` is a sink's answer, if there was one.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, answer: LastAnswer | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.answer = answer


class NotFinalYet(TemporaryFailure):
    """Raised when Exotel knows the call but its legs are not final; `body` is the response, if it contained legs."""

    def __init__(self, message: str, *, body: bytes | None = None) -> None:
        super().__init__(message)
        self.body = body


class Unreachable(TemporaryFailure):
    """Raised when there was no usable answer: refused, reset, timed out, 5xx, or a body that cannot be read."""


class Surprise(TemporaryFailure):
    """Raised in place of any other exception from a sink, such as its library's own."""


class Throttled(TemporaryFailure):
    """Raised when Exotel answered 429."""


class AccountSuspended(LegworkError):
    """Raised when Exotel refuses the account itself: 401, 402 or 403."""


class PermanentFailure(LegworkError):
    """Raised when no retry can help. `answer` is a sink's answer, if there was one."""

    def __init__(self, message: str, *, answer: LastAnswer | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class Refused(PermanentFailure):
    """Raised when a sink will never accept this record."""


class SinkGone(LegworkError):
    """Raised when a webhook subscriber answered 410: it wants no more records."""


class LedgerUnusable(LegworkError):
    """Raised when Redis cannot hold the ledger: too old, or written by a newer Legwork."""

"""The settings of a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

RetryAfter = Literal["seconds", "date", "none"]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer of the mock Exotel."""

    sid: str
    key: str = field(repr=False)
    token: str = field(repr=False)


# Public credentials, so that the sandbox runs without any setting.
DEFAULT_ACCOUNT = Account("acme1m", "sandbox-key", "sandbox-token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; seconds may have decimals. `--help` explains each."""

    host: str = "127.0.0.1"
    port: int = 8010
    accounts: tuple[Account, ...] = (DEFAULT_ACCOUNT,)
    quota: int = 200
    quota_seconds: float = 60.0
    count_refused: bool = True
    retry_after: RetryAfter = "seconds"
    slow_seconds: float = 3.0
    speed: float = 1.0
    # These two hold the receiver's secret; `{account_sid}` in them stands for the account.
    passthru_url: str = field(default="", repr=False)
    status_url: str = field(default="", repr=False)
    callback_retries: tuple[float, ...] = (300.0, 900.0)
    calls_at_start: int = 0
    calls_per_minute: float = 0.0
    scenarios: tuple[str, ...] = ()


def accounts_of(environ: Mapping[str, str]) -> tuple[Account, ...]:
    """Return the accounts that the environment names, or the default one.

    `SANDBOX_ACCOUNTS` holds several as `sid:key:token`; else one is in three variables, which begin with
    `SANDBOX_` or, so that client and sandbox can share theirs, with `EXOTEL_`.
    Raises ValueError, whose message never holds a value.
    """
    if environ.get("SANDBOX_ACCOUNTS"):
        return _parse_accounts(environ["SANDBOX_ACCOUNTS"])
    for prefix in ("SANDBOX", "EXOTEL"):
        names = [f"{prefix}_{name}" for name in ("ACCOUNT_SID", "API_KEY", "API_TOKEN")]
        values = [environ.get(name, "") for name in names]
        if all(values):
            return (Account(*values),)
        if any(values):
            missing = [name for name, value in zip(names, values, strict=True) if not value]
            raise ValueError(f"{', '.join(missing)} missing: an account needs a sid, a key and a token")
    return (DEFAULT_ACCOUNT,)


def _parse_accounts(text: str) -> tuple[Account, ...]:
    accounts = []
    for position, word in enumerate(text.split(), start=1):
        sid, key, token, *more = (*word.split(":"), "", "")
        if not (sid and key and token) or any(more):
            raise ValueError(f"SANDBOX_ACCOUNTS: account {position} does not have the form sid:key:token")
        accounts.append(Account(sid, key, token))
    if len({account.sid for account in accounts}) != len(accounts):
        raise ValueError("SANDBOX_ACCOUNTS: the same sid twice")
    return tuple(accounts)

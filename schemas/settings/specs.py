"""The settings that may be given more than once: accounts and sinks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from schemas.settings.sink_fields import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One Exotel account: its callbacks are accepted, and its quota is used."""

    sid: str
    api_key: str = field(repr=False)
    api_token: str = field(repr=False)
    #: Without a slash at the end.
    base_url: str
    #: Requests that may arrive at Exotel in any `quota_seconds`.
    quota: int
    quota_seconds: float
    #: The time zone of Exotel's times without a UTC offset.
    timezone: ZoneInfo
    #: Seconds, for connecting and for reading, in each request.
    timeout_seconds: float
    #: The secrets in this account's callback URLs; no other account has one of them.
    callback_tokens: tuple[str, ...] = field(repr=False)
    #: The country (ISO 3166) whose national numbers are read without a country code.
    region: str = "IN"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec:
    """One sink as configured. Its URL and options are validated by the sink itself."""

    #: Unique; the sink's pending deliveries are stored under this name.
    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The types of records that it receives; empty: all.
    types: tuple[str, ...] = ()
    #: The accounts whose records it receives; empty: all.
    accounts: tuple[str, ...] = ()
    #: Only records for which this JMESPath expression is true; None: all.
    filter: str | None = None
    #: A JMESPath expression over `data`, whose result is sent in place of `data`; None: `data` unchanged.
    projection: str | None = None
    #: Maximum requests, from all workers together; None: no limit.
    rate: Rate | None = None
    #: Maximum concurrent deliveries, from all workers together; None: half of all workers' threads.
    concurrency: int | None = None
    #: The other keys of its table in legwork.toml. They may hold secrets.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

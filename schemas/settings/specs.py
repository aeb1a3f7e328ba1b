"""What may be set more than once: an account, and a sink."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from schemas.settings.sink_fields import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One Exotel account: whose callbacks are accepted, and whose quota is spent."""

    sid: str
    api_key: str = field(repr=False)
    api_token: str = field(repr=False)
    #: Without a slash at the end.
    base_url: str
    #: Requests that may arrive at Exotel in any `quota_seconds`.
    quota: int
    quota_seconds: float
    #: The zone of Exotel's zone-less times.
    timezone: ZoneInfo
    #: Connect and read, one request.
    timeout_seconds: float
    #: The secrets in this account's callback URLs; no other account has one of them.
    callback_tokens: tuple[str, ...] = field(repr=False)
    #: Whose national numbers are read without a country code.
    region: str = "IN"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec:
    """One sink, as it was asked for. The sink itself knows whether its URL and options are right."""

    #: Unique; what waits for the sink is kept under this name.
    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The types of records that it gets; empty: all.
    types: tuple[str, ...] = ()
    #: The accounts whose records it gets; empty: all.
    accounts: tuple[str, ...] = ()
    #: Only records for which this JMESPath expression is true; None: all.
    filter: str | None = None
    #: What the sink gets as a record's `data`: a JMESPath expression over `data`; None: all of it.
    projection: str | None = None
    #: No more requests than these, from all workers together.
    rate: Rate | None = None
    #: No more deliveries at once than these, from all workers together; None: as many as half of the fleet's threads.
    concurrency: int | None = None
    #: The other keys of its table in legwork.toml. They may hold secrets.
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

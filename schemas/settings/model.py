"""Declare every setting: all variables are declared here, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from schemas.settings.declare import declared_in, setting
from schemas.settings.fields import (
    Address,
    Amount,
    Choice,
    File,
    Matching,
    Networks,
    Schedule,
    Seconds,
    WholeNumber,
    Zone,
)
from schemas.settings.secret_fields import CallbackTokens, Password, SigningSecrets
from schemas.settings.sink_fields import EncryptionKeys
from schemas.settings.urls import BaseUrl, RedisUrl, SinkUrls

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from schemas.settings.specs import Account, SinkSpec


#: In place of a default, for the four variables that make an account.
NEEDED = "none: needed, unless `legwork.toml` has accounts"


def credential(what: str) -> Matching:
    return Matching(
        r"[!-~]+",
        wrong="holds a space or an unprintable character",
        right=f"give the {what} as Exotel's dashboard shows it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, as `load_settings` returns them. Each attribute is the variable of the same name."""

    redis_url: str | None = setting(
        RedisUrl(),
        "The Redis server: Legwork's database (the ledger) and Celery's broker.",
        otherwise="`legwork up` starts the embedded server",
        secret=True,
        group="Redis",
    )
    broker_url: str | None = setting(
        RedisUrl(), "A separate Redis server for Celery's broker.", otherwise="`REDIS_URL`", secret=True
    )
    exotel_account_sid: str | None = setting(
        Matching(
            r"[0-9A-Za-z_-]{1,64}",
            wrong="is not an account SID",
            right="give the account SID: up to 64 letters, digits, - and _",
        ),
        "The SID of the Exotel account. Its API key, API token and callback token are needed too.",
        otherwise=NEEDED,
        group="The Exotel account",
    )
    exotel_api_key: str | None = setting(
        Matching(
            r"[!-9;-~]+",
            wrong="holds a space, a colon or an unprintable character",
            right=credential("API key").right,
        ),
        "The account's API key.",
        otherwise=NEEDED,
        secret=True,
    )
    exotel_api_token: str | None = setting(
        credential("API token"), "The account's API token.", otherwise=NEEDED, secret=True
    )
    exotel_subdomain: str = setting(
        Matching(
            r"(?=.{1,253}$)([0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?)(\.[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?)*",
            wrong="is not a host name",
            right="give api.exotel.com (Singapore) or api.in.exotel.com (Mumbai)",
        ),
        "The host of the account's region: `api.exotel.com` (Singapore) or `api.in.exotel.com` (Mumbai).",
        default="api.exotel.com",
    )
    exotel_base_url: str = setting(
        BaseUrl(),
        "The full base URL of the API, for the sandbox, a proxy or a test.",
        otherwise="`https://` and `EXOTEL_SUBDOMAIN`",
        secret=True,
    )
    exotel_quota: int = setting(
        WholeNumber(least=1), "Maximum number of requests for the account in any `EXOTEL_QUOTA_SECONDS`.", default="200"
    )
    exotel_quota_seconds: float = setting(Seconds(), "Length of the quota's window, in seconds.", default="60")
    exotel_timezone: ZoneInfo = setting(  # noqa: RUF009  it is a dataclasses.field
        Zone(), "Time zone of Exotel's times that have no UTC offset.", default="Asia/Kolkata"
    )
    exotel_timeout_seconds: float = setting(
        Seconds(), "Time-out of a request, in seconds: once for connecting, once for the response.", default="15"
    )
    callback_token: tuple[str, ...] | None = setting(
        CallbackTokens(),
        "The secret in the callback URLs: URL-safe, at least 16 characters. Several, separated by spaces, "
        "while rotating.",
        otherwise=NEEDED,
        secret=True,
        group="Callbacks",
    )
    callback_allow: tuple[IPv4Network | IPv6Network, ...] = setting(
        Networks(),
        "Networks that may post callbacks: CIDR, separated by spaces.",
        otherwise="all networks",
    )
    public_url: str | None = setting(
        BaseUrl(),
        "The address by which Exotel reaches the web process, such as `https://calls.example.com`: for the callback URLs that "
        "Legwork shows.",
        otherwise="they are shown as seen from this machine",
    )
    trusted_proxies: int = setting(
        WholeNumber(least=0),
        "Number of proxies in front of the web process that are trusted to report the client's address.",
        default="0",
    )
    host: str | None = setting(
        Address(),
        "Address on which the web process listens: `127.0.0.1` for this machine only, `::` for all addresses of IPv4 and IPv6.",
        otherwise="all addresses, including IPv6 if the host has it",
        group="Web",
    )
    port: int = setting(WholeNumber(least=1, most=65535), "Port of the web process.", default="8000")
    console_password: str | None = setting(
        Password(),
        "Password of the console and of its API.",
        otherwise="both answer on loopback only",
        secret=True,
    )
    settle_seconds: float = setting(
        Seconds(zero=True),
        "Delay between a call-ended callback and the first fetch, in seconds.",
        default="120",
        group="Fetching",
    )
    progress_seconds: float = setting(
        Seconds(zero=True), "The same delay after a callback that does not say that the call has ended.", default="300"
    )
    retry_schedule: tuple[float, ...] = setting(
        Schedule(),
        "Seconds between the fetches of a call that is not final or whose fetch failed. After the last retry the call is "
        "marked failed.",
        default="15 60 300 900 3600 10800 21600",
    )
    confirm_seconds: float = setting(
        Seconds(zero=True),
        "Delay between the fetch that found a call final and one more fetch that confirms it, at lowest priority; 0 turns "
        "it off.",
        default="900",
    )
    suspension_probe_seconds: float = setting(
        Seconds(),
        "Interval of the single request that tests whether a suspended account works again, in seconds.",
        default="300",
    )
    sinks: tuple[SinkSpec, ...] = setting(
        SinkUrls(),
        "Sinks, the destinations of records: URLs, separated by spaces. Sinks with options are configured in `legwork.toml`.",
        default="file:records.jsonl",
        secret=True,
        group="Sinks",
    )
    sink_secret: tuple[str, ...] | None = setting(
        SigningSecrets(),
        "Signing secret of the webhooks in `SINKS`: `whsec_…`, or `whsk_…` (Ed25519). Several, separated by spaces, "
        "while rotating.",
        otherwise="webhooks are not signed",
        secret=True,
    )
    legwork_secret_key: tuple[str, ...] | None = setting(
        EncryptionKeys(),
        "Key that encrypts the secrets of webhooks added at run time; `legwork sinks key` makes one. Several, the newest "
        "first, while rotating.",
        otherwise="no webhooks can be added at run time",
        secret=True,
    )
    delivery_schedule: tuple[float, ...] = setting(
        Schedule(),
        "Seconds between the attempts of a delivery. After the last attempt the delivery is a dead letter.",
        default="5 30 300 1800 7200 18000 36000 36000",
    )
    retention_days: float = setting(
        Amount("days", most=3650),
        "How long delivered calls stay in the ledger. When Redis is short of memory, at least an hour.",
        default="7",
        group="Retention and logging",
    )
    dead_retention_days: float | None = setting(
        Amount("days", most=3650),
        "How long failed calls and dead letters wait to be retried. After that they are dropped, and stay for "
        "`RETENTION_DAYS`.",
        otherwise="until it is retried or dropped",
    )
    log_level: str = setting(
        Choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "Lowest level that is logged.",
        default="INFO",
    )
    log_format: str | None = setting(
        Choice("json", "console"),
        "Format of the log: `json` or `console`.",
        otherwise="`json`, on a terminal `console`",
    )
    legwork_config: Path | None = setting(  # noqa: RUF009  it is a dataclasses.field
        File(),
        "File with several accounts, and sinks with options.",
        otherwise="`legwork.toml`, if there is one",
    )

    accounts: tuple[Account, ...]
    #: Where each variable's value comes from: "environment", ".env", ".legwork/environment", "legwork.toml",
    #: "default", or the name of the variable that names its file.
    sources: Mapping[str, str]
    #: Likely mistakes that are not certain: misspelt names, half an account. One line each.
    warnings: tuple[str, ...] = ()
    _by_sid: Mapping[str, Account] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_sid = MappingProxyType({account.sid: account for account in self.accounts})
        object.__setattr__(self, "_by_sid", by_sid)  # the class is frozen, so a plain assignment would raise

    def account(self, sid: str) -> Account:
        """Return the account with that SID. Raises KeyError if there is none."""
        return self._by_sid[sid]


#: Every variable, by the name of its attribute.
VARIABLES = declared_in(Settings)

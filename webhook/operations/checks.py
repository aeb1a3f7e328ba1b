"""The checks of `legwork check`: each yields findings, which are ok, a warning, or wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import redis

from schemas.addresses import is_loopback
from schemas.urls import without_password
from webhook.operations.diagnosis import full_ledger, unwritable_ledger
from webhook.operations.finding import Finding, Verdict
from webhook.operations.problem import Severity
from worker.errors import LedgerUnusable, LegworkError
from worker.ledger.advice import RIGHTS, what_to_do
from worker.ledger.capacity import read_capacity
from worker.ledger.server import about_server, greet_server
from worker.sinks import check, open_sink, why_not_opened
from worker.sinks.boundary import close
from worker.steps.probe import Credentials, probe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.settings import Account, Settings, SinkSpec
    from worker.ledger import Ledger

#: The Redis configuration that the ledger needs: value, and what happens otherwise.
_WANTED = {
    "appendonly": ("yes", "a restart of Redis would lose every call that is waiting"),
    "appendfsync": ("always", "a crash of the host may lose the last second's callbacks, although 200 was answered"),
    "maxmemory-policy": ("noeviction", "when memory runs short, Redis would silently drop calls"),
}
# An acceptable weaker value: a warning. Any other value loses calls and is wrong.
_MATTER_OF_CHOICE = {"appendfsync": "everysec"}
# One key of each kind that kombu keeps in Redis (kombu.transport.redis); the second is that of a priority queue.
_BROKER_KEYS = ("legwork", "legwork\x06\x163", "_kombu.binding.legwork", "unacked", "unacked_index", "unacked_mutex")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Report that the settings could be loaded, with their warnings."""
    accounts, sinks = len(settings.accounts), len(settings.sinks)
    yield Finding("settings", Verdict.OK, f"{accounts} account(s), {sinks} sink(s)")
    if settings.trusted_proxies and not is_loopback(settings.host or ""):
        text = (
            f"TRUSTED_PROXIES is {settings.trusted_proxies}: whoever reaches port {settings.port} directly can write any "
            "address into X-Forwarded-For; close the port to all but the proxy, or set HOST=127.0.0.1 if it is on this machine"
        )
        yield Finding("settings", Verdict.WARNING, text)
    for warning in settings.warnings:
        yield Finding("settings", Verdict.WARNING, warning)


def check_redis(settings: Settings, client: redis.Redis) -> Finding:
    """Is Redis reachable, and of a kind that the ledger can use?"""
    where = without_password(settings.redis_url or "")
    try:
        info = about_server(client, "server", "replication", "cluster")
        if not info:
            info = greet_server(client)
            with suppress(redis.exceptions.NoPermissionError):
                client.ping()
    except redis.RedisError as error:
        return Finding("redis", Verdict.WRONG, f"{where}: {error}; {what_to_do(error)}")
    return judge_redis(where, info)


def judge_redis(where: str, info: Mapping[str, Any]) -> Finding:
    """Can the ledger use a server of this kind? `info` is its answer to INFO."""
    if info.get("role") == "slave":
        return Finding("redis", Verdict.WRONG, f"{where}: is a replica; name the primary in REDIS_URL")
    if info.get("cluster_enabled"):
        right = "use a server with cluster-enabled no"
        why = "the ledger's scripts change keys in many slots"
        return Finding("redis", Verdict.WRONG, f"{where}: is in cluster mode, which is not supported: {why}; {right}")
    if info.get("redis_mode") == "sentinel":
        return Finding("redis", Verdict.WRONG, f"{where}: is a Sentinel; name the primary itself in REDIS_URL")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version") or "(unknown version)"
    return Finding("redis", Verdict.OK, f"{where}: {name} {version}")


def check_capacity(client: redis.Redis) -> Iterator[Finding]:
    """Does Redis report its memory? Without that, callbacks are still refused when it is full, but nothing warns before."""
    if not about_server(client, "memory"):
        text = (
            "does not answer INFO, so its memory use is unknown: until it is full, no delivered call is forgotten early and no "
            f"callback is refused; if you can, {RIGHTS} (+info)"
        )
        yield Finding("redis", Verdict.WARNING, text)


def check_durability(client: redis.Redis) -> Iterator[Finding]:
    """Is Redis configured to keep its data? A managed server may not reveal its configuration."""
    try:
        config = client.config_get(*_WANTED)
    except redis.RedisError:
        text = (
            f"does not reveal {', '.join(_WANTED)}: make sure that they are {', '.join(w for w, _ in _WANTED.values())}"
        )
        yield Finding("redis", Verdict.WARNING, text)
        return
    for name, (wanted, why) in _WANTED.items():
        found = config.get(name, wanted)
        if found == wanted:
            yield Finding("redis", Verdict.OK, f"{name} {found}")
        else:
            verdict = Verdict.WARNING if found == _MATTER_OF_CHOICE.get(name) else Verdict.WRONG
            yield Finding("redis", verdict, f"{name} is {found}; set it to {wanted}, otherwise {why}")


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Is Celery's broker reachable, and may this user access Celery's keys?"""
    where = without_password(settings.broker_url or "")
    is_the_same = settings.broker_url == settings.redis_url
    with redis.Redis.from_url(settings.broker_url or "", socket_timeout=2.0, socket_connect_timeout=2.0) as client:
        try:
            client.exists(*_BROKER_KEYS)
        except redis.RedisError as error:
            right = what_to_do(error) if is_the_same else what_to_do(error).replace("REDIS_URL", "BROKER_URL")
            yield Finding("broker", Verdict.WRONG, f"{where}: {error}; {right}")
        else:
            if not is_the_same:
                yield Finding("broker", Verdict.OK, where)


def check_ledger(ledger: Ledger) -> Iterator[Finding]:
    """Can a callback be stored, and is a worker running?"""
    try:
        ledger.open()
        ledger.try_to_write()
        new_since_ms = ledger.new_since_ms()
        workers, capacity = ledger.workers(), read_capacity(ledger)
    except LedgerUnusable as error:
        yield Finding("ledger", Verdict.WRONG, f"nothing can be stored: {error}")
        return
    except redis.RedisError as error:
        problem = unwritable_ledger(error)
        yield Finding(problem.about, Verdict.WRONG, problem.text)
        return
    full = full_ledger(capacity)
    is_shut = full is not None and full.severity is Severity.ERROR
    if full is not None:
        yield Finding(full.about, Verdict.WRONG if is_shut else Verdict.WARNING, full.text)
    if not is_shut:
        yield Finding("ledger", Verdict.OK, "can be written")
    if new_since_ms is not None:
        since = datetime.fromtimestamp(new_since_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        text = f"new since {since}: nothing was stored in this Redis before; if there should be data, it is lost"
        yield Finding("ledger", Verdict.WARNING, text)
    if workers:
        yield Finding("workers", Verdict.OK, f"{len(workers)} with {sum(workers.values())} threads")
    else:
        yield Finding(
            "workers", Verdict.WARNING, "none is running: callbacks are stored, calls wait; start one: legwork worker"
        )


def check_exotel(settings: Settings, ledger: Ledger | None) -> Iterator[Finding]:
    """Do each account's credentials work? One request per account, counted against its quota."""
    for account in settings.accounts:
        about = f"exotel {account.sid}"
        if ledger is None:
            yield Finding(
                about, Verdict.WARNING, "not checked: without the ledger requests cannot be counted; fix Redis first"
            )
            continue
        try:
            yield _probe(about, account, ledger)
        except redis.RedisError as error:
            yield Finding(about, Verdict.WRONG, f"not checked: {error}; fix Redis first")


def _probe(about: str, account: Account, ledger: Ledger) -> Finding:
    found = probe(ledger, account)
    match found.credentials:
        case Credentials.ACCEPTED:
            text = f"{account.base_url} accepts the credentials (it answered {found.text} for a call that cannot exist)"
            return Finding(about, Verdict.OK, text)
        case Credentials.REFUSED:
            return Finding(
                about, Verdict.WRONG, f"{found.text}; correct SID, API key, API token, subdomain, or the plan"
            )
        case Credentials.THROTTLED:
            right = "reduce its use, or lower EXOTEL_QUOTA"
            return Finding(about, Verdict.WARNING, f"{found.text}: another program uses this account's quota; {right}")
        case Credentials.UNREACHABLE:
            right = "correct the subdomain or EXOTEL_BASE_URL, or let this host connect to it"
            return Finding(about, Verdict.WRONG, f"{account.base_url}: {found.text}; {right}")
        case Credentials.NOT_ASKED:
            verdict = Verdict.WRONG if found.text == "suspended" else Verdict.WARNING
            text = f"not checked: {why_not_asked(found.text)}; try again in {found.wait_seconds:.0f} s"
            return Finding(about, verdict, text)


def why_not_asked(why: str) -> str:
    """Return in words why there was no token for a request (`Grant.why`)."""
    return {
        "paused": "Exotel asked for a pause (429)",
        "suspended": "Exotel refused the account (`legwork status` says why); a worker tries again from time to time",
    }.get(why, "the quota is used up")


def check_subscribers(ledger: Ledger) -> Iterator[Finding]:
    """Can the sinks that were added at run time be used here?"""
    try:
        ledger.refresh_sinks()
    except redis.RedisError as error:
        yield Finding("subscribers", Verdict.WRONG, f"cannot be read: {error}; fix Redis first")
    for name, reason in ledger.register.unusable.items():
        yield Finding(f"sink {name}", Verdict.WRONG, reason)


def check_sinks(specs: Iterable[SinkSpec]) -> Iterator[Finding]:
    """Does each sink's own check succeed?"""
    for spec in specs:
        about = f"sink {spec.name}"
        try:
            sink = open_sink(spec)
            try:
                yield Finding(about, Verdict.OK, check(sink))
            finally:
                close(sink)
        except (LegworkError, OSError) as error:
            yield Finding(about, Verdict.WRONG, why_not_opened(error).removeprefix(f"{about}: "))

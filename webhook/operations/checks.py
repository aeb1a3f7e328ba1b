"""What `legwork check` finds out: each check yields what is well, what could be better, and what is wrong."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import redis

from schemas.addresses import is_loopback
from schemas.urls import without_password
from webhook.operations.diagnosis import full_ledger, unwritable_ledger
from webhook.operations.finding import Finding, Verdict
from webhook.operations.problem import Severity
from worker.errors import AccountSuspended, LedgerUnusable, LegworkError, Throttled
from worker.exotel import ExotelClient
from worker.ledger.advice import RIGHTS, what_to_do
from worker.ledger.capacity import read_capacity
from worker.ledger.server import about_server, greet_server
from worker.sinks import check, open_sink, why_not_opened
from worker.sinks.boundary import close

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from schemas.settings import Account, Settings, SinkSpec
    from worker.ledger import Ledger

#: What the ledger wants of its server, what it can live with, and why.
_WANTED = {
    "appendonly": ("yes", "a restart of Redis would lose every call that is waiting"),
    "appendfsync": ("always", "a crash of the host may lose the last second's callbacks, although 200 was answered"),
    "maxmemory-policy": ("noeviction", "under pressure Redis would drop calls without a word"),
}
# Between these two there is a choice to be made; the others lose calls.
_MATTER_OF_CHOICE = {"appendfsync": "everysec"}
# Of what kombu keeps in Redis, a key of each kind (kombu.transport.redis); the second is of a queue by priority.
_BROKER_KEYS = ("legwork", "legwork\x06\x163", "_kombu.binding.legwork", "unacked", "unacked_index", "unacked_mutex")
# As long as a person who waits for the check would rather wait than not know.
_LONGEST_WAIT_SECONDS = 5.0


def check_settings(settings: Settings) -> Iterator[Finding]:
    """The settings could be loaded; there may be oddities in them."""
    accounts, sinks = len(settings.accounts), len(settings.sinks)
    yield Finding("settings", Verdict.OK, f"{accounts} account(s), {sinks} sink(s)")
    if settings.trusted_proxies and not is_loopback(settings.host or ""):
        text = (
            f"TRUSTED_PROXIES is {settings.trusted_proxies}: who gets to port {settings.port} past the proxy may write any "
            "address into X-Forwarded-For; close the port to all but the proxy, or set HOST=127.0.0.1 if it is on this machine"
        )
        yield Finding("settings", Verdict.OK, text)
    for warning in settings.warnings:
        yield Finding("settings", Verdict.WARNING, warning)


def check_redis(settings: Settings, client: redis.Redis) -> Finding:
    """Is it there, and of a kind that will do?"""
    where = without_password(settings.redis_url or "")
    try:
        told = about_server(client, "server", "replication", "cluster")
        if not told:
            told = greet_server(client)
            with suppress(redis.exceptions.NoPermissionError):
                client.ping()
    except redis.RedisError as error:
        return Finding("redis", Verdict.WRONG, f"{where}: {error}; {what_to_do(error)}")
    return judge_redis(where, told)


def judge_redis(where: str, told: Mapping[str, Any]) -> Finding:
    """Is a server of the kind that the ledger can be in? `told` is what its INFO says."""
    if told.get("role") == "slave":
        return Finding("redis", Verdict.WRONG, f"{where}: is a replica; name the primary in REDIS_URL")
    if told.get("cluster_enabled"):
        right = "name one that is set to cluster-enabled no"
        why = "a script of the ledger changes keys of many slots"
        return Finding("redis", Verdict.WRONG, f"{where}: is in cluster mode, which is not supported: {why}; {right}")
    if told.get("redis_mode") == "sentinel":
        return Finding("redis", Verdict.WRONG, f"{where}: is a Sentinel; name the primary itself in REDIS_URL")
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = told.get("valkey_version") or told.get("redis_version") or "that does not tell its version"
    return Finding("redis", Verdict.OK, f"{where}: {name} {version}")


def check_capacity(client: redis.Redis) -> Iterator[Finding]:
    """Does it tell how full it is? It answers when it is full all the same, but nobody is warned, nothing forgotten early."""
    if not about_server(client, "memory"):
        text = (
            "does not answer INFO, so nobody can tell how full it is: before it is full no call is forgotten early, and no "
            f"callback turned away; where you can, {RIGHTS} (+info)"
        )
        yield Finding("redis", Verdict.WARNING, text)


def check_durability(client: redis.Redis) -> Iterator[Finding]:
    """Does it keep what it is given? A managed server may not tell."""
    try:
        config = client.config_get(*_WANTED)
    except redis.RedisError:
        text = f"does not let us see {', '.join(_WANTED)}: see to it that they are {', '.join(w for w, _ in _WANTED.values())}"
        yield Finding("redis", Verdict.WARNING, text)
        return
    for name, (wanted, why) in _WANTED.items():
        found = config.get(name, wanted)
        if found == wanted:
            yield Finding("redis", Verdict.OK, f"{name} {found}")
        else:
            verdict = Verdict.WARNING if found == _MATTER_OF_CHOICE.get(name) else Verdict.WRONG
            yield Finding("redis", verdict, f"{name} is {found}, set it to {wanted}: else {why}")


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Is Celery's broker there, and may this user touch what is Celery's?"""
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
    """Can a callback be noted, and is there anybody to work on it?"""
    try:
        ledger.open()
        ledger.try_to_write()
        new_since_ms = ledger.new_since_ms()
        workers, capacity = ledger.workers(), read_capacity(ledger)
    except LedgerUnusable as error:
        yield Finding("ledger", Verdict.WRONG, f"nothing can be noted: {error}")
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
        text = f"new since {since}: nothing was stored in this Redis before; if it should have been, its data is gone"
        yield Finding("ledger", Verdict.WARNING, text)
    if workers:
        yield Finding("workers", Verdict.OK, f"{len(workers)} with {sum(workers.values())} threads")
    else:
        yield Finding("workers", Verdict.WARNING, "none runs: calls are noted and wait; start one: legwork worker")


def check_exotel(settings: Settings, ledger: Ledger | None) -> Iterator[Finding]:
    """Do the credentials of each account work? One request each, with a token of the account's quota."""
    for account in settings.accounts:
        about = f"exotel {account.sid}"
        if ledger is None:
            yield Finding(
                about, Verdict.WARNING, "not asked: without the ledger nobody counts the requests; mend Redis first"
            )
            continue
        try:
            yield _probe(about, account, ledger)
        except redis.RedisError as error:
            yield Finding(about, Verdict.WRONG, f"not asked: {error}; mend Redis first")


def _probe(about: str, account: Account, ledger: Ledger) -> Finding:
    bucket = ledger.calls[account.sid].bucket
    token = f"check:{secrets.token_hex(8)}"
    grant = bucket.take(token, max_wait_seconds=_LONGEST_WAIT_SECONDS)
    if grant.taken and grant.wait_seconds > 0:
        time.sleep(grant.wait_seconds)
        if bucket.still_open(token) > 0:
            return Finding(about, Verdict.WARNING, "not asked: the account was paused just now; try again in a minute")
    if not grant.taken:
        verdict = Verdict.WRONG if grant.why == "suspended" else Verdict.WARNING
        return Finding(about, verdict, f"not asked: {_why_not(grant.why)}; try again in {grant.wait_seconds:.0f} s")
    client = ExotelClient(account)
    try:
        answer = client.probe()
    except AccountSuspended as refusal:
        return Finding(about, Verdict.WRONG, f"{refusal}; correct SID, API key, API token, subdomain, or the plan")
    except Throttled as refusal:
        right = "have them spend less, or set EXOTEL_QUOTA lower"
        return Finding(about, Verdict.WARNING, f"{refusal}: somebody else spends this account's quota; {right}")
    except LegworkError as failure:
        right = "correct the subdomain or EXOTEL_BASE_URL, or let this host get there"
        return Finding(about, Verdict.WRONG, f"{account.base_url}: {failure}; {right}")
    finally:
        client.close()
        bucket.give_back(token)
    if grant.is_probe:
        bucket.resume()
    return Finding(about, Verdict.OK, f"{account.base_url} lets us in (answered {answer} for a call that cannot exist)")


def _why_not(why: str) -> str:
    return {
        "paused": "Exotel asked for a pause (429)",
        "suspended": "Exotel has refused the account, and `legwork status` says why; a worker asks again, once in a while",
    }.get(why, "the quota is used up")


def check_subscribers(ledger: Ledger) -> Iterator[Finding]:
    """Can what was added at run time be used here?"""
    try:
        ledger.refresh_sinks()
    except redis.RedisError as error:
        yield Finding("subscribers", Verdict.WRONG, f"cannot be read: {error}; mend Redis first")
    for name, reason in ledger.register.unusable.items():
        yield Finding(f"sink {name}", Verdict.WRONG, reason)


def check_sinks(specs: Iterable[SinkSpec]) -> Iterator[Finding]:
    """Is the other side of each sink there?"""
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

"""Describes a sink as plain data, and makes its test ping."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from schemas.times import write_milliseconds
from schemas.urls import place_of
from webhook.operations.dead_letters import DeadLetters
from worker.errors import LegworkError
from worker.ledger.queries.totals import SinkTotals, totals_of_sinks
from worker.record.envelope import envelope, event_id
from worker.record.shape import shaped
from worker.sinks.signing import public_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.settings import SinkSpec
    from worker.ledger import Ledger

# Where a sink comes from.
_FROM_SETTINGS, _ADDED = "settings", "added"


def stands_in_settings(ledger: Ledger, name: str) -> bool:
    """Is the sink defined in the settings? It hides a subscriber of the same name that was added earlier."""
    return any(spec.name == name for spec in ledger.settings.sinks)


def describe(ledger: Ledger, specs: Sequence[SinkSpec]) -> list[dict[str, Any]]:
    """Describe sinks and their states, in two round trips however many there are. Raises redis.RedisError."""
    states, letters = ledger.sink_states(), DeadLetters(ledger)
    totals = totals_of_sinks(ledger, [spec.name for spec in specs], states)
    return [
        _described(ledger, spec, of_sink, states.get(spec.name, {}), letters)
        for spec, of_sink in zip(specs, totals, strict=True)
    ]


def _described(
    ledger: Ledger, spec: SinkSpec, totals: SinkTotals, state: dict[str, Any], letters: DeadLetters
) -> dict[str, Any]:
    return {
        "name": spec.name,
        "source": _FROM_SETTINGS if stands_in_settings(ledger, spec.name) else _ADDED,
        "version": None if stands_in_settings(ledger, spec.name) else ledger.register.versions.get(spec.name),
        "where": place_of(spec.url),
        "types": list(spec.types),
        "accounts": list(spec.accounts),
        "filter": spec.filter,
        "projection": spec.projection,
        "rate": None if spec.rate is None else str(spec.rate),
        "concurrency": spec.concurrency,
        "secrets": len(spec.secrets),
        "public_keys": _public_keys(spec),
        "state": totals.state,
        # It may come from outside, from a sink's answer.
        "reason": totals.reason and letters.fit(totals.reason),
        "since": None if "since" not in state else write_milliseconds(state["since"]),
        "waiting": totals.waiting,
        "delivered": totals.delivered,
        "dead": totals.dead,
    }


def just_added(spec: SinkSpec) -> dict[str, Any]:
    """Describe a sink that was just added, when Redis became unreachable afterwards."""
    return {"name": spec.name, "source": _ADDED, "where": place_of(spec.url), "state": "active"}


def unusable_sink(name: str, reason: str) -> dict[str, Any]:
    """Describe an added sink that no key of this process decrypts."""
    return {"name": name, "source": _ADDED, "state": "unusable", "reason": reason}


def ping(ledger: Ledger, spec: SinkSpec) -> dict[str, Any]:
    """Make a test record in the shape that the sink receives."""
    now_ms = ledger.now_ms()
    account_sid = spec.accounts[0] if spec.accounts else next(iter(ledger.calls))
    event = envelope(
        "legwork.ping",
        account_sid,
        known_as=event_id(hashlib.sha256(f"{spec.name} {now_ms:.3f}".encode()).hexdigest()),
        subject=spec.name,
        time=write_milliseconds(now_ms),
        data={"account_sid": account_sid, "sink": spec.name},
    )
    try:
        return shaped(spec, event)
    except LegworkError:  # a projection written for calls may fail on a ping; the sink can still be tested
        return event


def _public_keys(spec: SinkSpec) -> list[str]:
    """Return the public keys of its private ones. An invalid one is left out here; `legwork check` reports it."""
    found = []
    for secret in spec.secrets:
        if secret.startswith("whsk_"):
            with suppress(ValidationError):
                found.append(public_key(secret))
    return found

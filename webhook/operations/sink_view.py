"""What a sink is, in plain data, and the ping that it may be sent."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from schemas.times import write_milliseconds
from schemas.urls import place_of
from webhook.operations.dead_letters import DeadLetters
from worker.errors import LegworkError
from worker.ledger.queries.totals import totals_of_sink
from worker.record.envelope import envelope, event_id
from worker.record.shape import shaped
from worker.sinks.signing import public_key

if TYPE_CHECKING:
    from schemas.settings import SinkSpec
    from worker.ledger import Ledger

# Where a sink comes from.
_FROM_SETTINGS, _ADDED = "settings", "added"


def stands_in_settings(ledger: Ledger, name: str) -> bool:
    """Is it one of the settings? A subscriber of the same name, added before they had it, is out of use while they have."""
    return any(spec.name == name for spec in ledger.settings.sinks)


def describe(ledger: Ledger, spec: SinkSpec, states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Describe a sink, and how it is; `states` is what `Ledger.sink_states` returned."""
    totals = totals_of_sink(ledger, spec.name, states)
    state = states.get(spec.name, {})
    return {
        "name": spec.name,
        "source": _FROM_SETTINGS if stands_in_settings(ledger, spec.name) else _ADDED,
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
        # A stranger may have written it: a sink, in its answer.
        "reason": totals.reason and DeadLetters(ledger).fit(totals.reason),
        "since": None if "since" not in state else write_milliseconds(state["since"]),
        "waiting": totals.waiting,
        "delivered": totals.delivered,
        "dead": totals.dead,
    }


def just_added(spec: SinkSpec) -> dict[str, Any]:
    """Describe one that was added a moment ago, when nothing more can be learned of it."""
    return {"name": spec.name, "source": _ADDED, "where": place_of(spec.url), "state": "active"}


def unusable_sink(name: str, reason: str) -> dict[str, Any]:
    """Describe one that was added, and that no key here decrypts."""
    return {"name": name, "source": _ADDED, "state": "unusable", "reason": reason}


def ping(ledger: Ledger, spec: SinkSpec) -> dict[str, Any]:
    """Make a record that says nothing, in the shape that the sink gets."""
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
    except LegworkError:  # a projection made for calls may fail on this; the sink is there all the same
        return event


def _public_keys(spec: SinkSpec) -> list[str]:
    """Return what goes with its private keys. Of one that is wrong, `legwork check` tells; a list is shown all the same."""
    found = []
    for secret in spec.secrets:
        if secret.startswith("whsk_"):
            with suppress(ValidationError):
                found.append(public_key(secret))
    return found

"""The console: is it flowing, what waits and why. Server-rendered; it reads what `legwork status` reads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import redis
from flask import Blueprint, render_template

from webhook.access import only_for_operators
from webhook.door import door
from worker.ledger.standing import STATES, account_standing, list_calls, sink_standing

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("console", __name__)
blueprint.before_request(only_for_operators)

LATELY = 20
_MINUTE, _HOUR = 60, 3600


@blueprint.get("/")
def overview() -> ResponseReturnValue:
    """Show how things stand."""
    ledger = door().ledger
    try:
        states = ledger.sink_states()
        accounts = [account_standing(ledger, sid) for sid in ledger.calls]
        sinks = [sink_standing(ledger, spec.name, states) for spec in ledger.sinks.values()]
        calls = [
            call for sid in ledger.calls for state in STATES for call in list_calls(ledger, sid, state, limit=LATELY)
        ]
        workers = ledger.workers()
    except redis.RedisError:
        return render_template("overview.html", trouble=True), 503
    totals = {name: sum(getattr(account, name) for account in accounts) for name in ("received", *STATES)}
    calls.sort(key=lambda call: call.at_ms, reverse=True)
    return render_template(
        "overview.html", totals=totals, accounts=accounts, sinks=sinks, calls=calls[:LATELY], workers=workers
    )


@blueprint.app_template_filter("length_of_time")
def length_of_time(seconds: float) -> str:
    """Write a length of time the way people say it: 12 s, 5 min, 3.2 h."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


@blueprint.app_template_filter("moment")
def moment(milliseconds: float) -> str:
    """Write a moment of Redis's clock, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

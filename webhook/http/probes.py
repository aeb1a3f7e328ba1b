"""Is it alive, and can a callback be noted?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import redis
from flask import jsonify
from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema, fields, validate

from webhook.context.services import services
from webhook.http.openapi_responses import PUBLIC, UNREADABLE, answered
from worker.errors import LedgerUnusable
from worker.ledger.advice import what_to_do
from worker.ledger.capacity import is_full, read_capacity
from worker.ledger.opening import open_aloud

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from worker.ledger import Ledger

blueprint = Blueprint("probes", __name__, description="For whoever watches over it.")


class Alive(Schema):
    """It answers."""

    status = fields.String(required=True, validate=validate.Equal("alive"), metadata={"description": "Always `alive`."})


class Part(Schema):
    """One part that a callback needs. There may be more keys than these."""

    class Meta:
        unknown = INCLUDE

    state = fields.String(
        required=True,
        metadata={
            "description": "`ok`; of the ledger `out of reach`, `unusable`, `nearly full`; of workers `none running`."
        },
    )
    error = fields.String(metadata={"description": "What Redis said."})
    hint = fields.String(metadata={"description": "What to do."})
    new_since = fields.String(
        metadata={"format": "date-time", "description": "Since when there is this ledger, where it is new."}
    )
    running = fields.Integer(metadata={"description": "How many workers run."})
    threads = fields.Integer(metadata={"description": "How many threads they have."})


class Parts(Schema):
    """The parts, by name."""

    ledger = fields.Nested(Part(), required=True)
    workers = fields.Nested(Part(), required=True)


class Readiness(Schema):
    """Whether callbacks can be stored."""

    status = fields.String(
        required=True, validate=validate.OneOf(["ready", "not ready"]), metadata={"description": "In a word."}
    )
    parts = fields.Nested(Parts(), required=True)


@blueprint.get("/livez")
@blueprint.doc(operationId="livez", security=PUBLIC, responses={"200": answered("It does.", Alive), **UNREADABLE})
def livez() -> ResponseReturnValue:
    """Get liveness.

    200 as long as requests are taken, also while every thread waits for Redis: `legwork web` answers it without a thread.
    """
    return jsonify(status="alive")


@blueprint.get("/readyz")
@blueprint.doc(
    operationId="readyz",
    security=PUBLIC,
    responses={
        "200": answered("A callback can be stored.", Readiness),
        "503": answered("It cannot; each part's state says why.", Readiness),
        **UNREADABLE,
    },
)
def readyz() -> ResponseReturnValue:
    """Get readiness.

    200 when a callback can be stored, else 503. That no worker is running is told, and is no reason to turn callbacks away:
    they are stored all the same.
    """
    ledger = services().ledger
    state = _ledger_state(ledger)
    ready = state["state"] == "ok"
    parts = {"ledger": state, "workers": _workers(ledger) if ready else {"state": "unknown"}}
    answer = jsonify(status="ready" if ready else "not ready", parts=parts)
    answer.status_code = 200 if ready else 503
    return answer


def _ledger_state(ledger: Ledger) -> dict[str, Any]:
    try:
        open_aloud(ledger)
        ledger.try_to_write()
        capacity, new_since = read_capacity(ledger), ledger.new_since_ms()
    except (redis.RedisError, LedgerUnusable) as error:
        away = isinstance(error, redis.ConnectionError | redis.TimeoutError)
        hint = {"hint": what_to_do(error)} if isinstance(error, redis.RedisError) else {}
        return {"state": "out of reach" if away else "unusable", "error": str(error), **hint}
    if capacity is not None and is_full(capacity):
        parts = {part: round(value, 3) for part, value in capacity._asdict().items()}
        return {"state": "nearly full", **parts, "hint": "raise maxmemory, or let the backlog drain"}
    if new_since is not None:
        since = datetime.fromtimestamp(new_since / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"state": "ok", "new_since": since, "hint": "nothing was stored in this Redis before"}
    return {"state": "ok"}


def _workers(ledger: Ledger) -> dict[str, Any]:
    try:
        running = ledger.workers()
    except redis.RedisError:  # it went away since we looked a moment ago
        return {"state": "unknown"}
    if not running:
        return {"state": "none running", "hint": "callbacks are noted; start a worker to have calls fetched"}
    return {"state": "ok", "running": len(running), "threads": sum(running.values())}

"""Liveness and readiness: is web alive, and can a callback be stored?"""

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

blueprint = Blueprint("probes", __name__, description="Probes and metrics, for monitoring.")


class Alive(Schema):
    """Web answers."""

    status = fields.String(required=True, validate=validate.Equal("alive"), metadata={"description": "Always `alive`."})


class Part(Schema):
    """The state of one part. There may be more keys than these."""

    class Meta:
        unknown = INCLUDE

    state = fields.String(
        required=True,
        metadata={
            "description": "`ok`; of the ledger also `out of reach`, `unusable`, `nearly full`; of workers also `none "
            "running`, or `unknown` while the ledger is not `ok`."
        },
    )
    error = fields.String(metadata={"description": "Redis's error message."})
    hint = fields.String(metadata={"description": "What to do."})
    used = fields.Float(metadata={"description": "Of a nearly full ledger: memory in use, as a share of `maxmemory`."})
    committed = fields.Float(
        metadata={"description": "Of a nearly full ledger: memory in use or reserved, as a share of `maxmemory`."}
    )
    new_since = fields.String(
        metadata={"format": "date-time", "description": "When the ledger was created, if it is new."}
    )
    running = fields.Integer(metadata={"description": "Number of running workers."})
    threads = fields.Integer(metadata={"description": "Number of their threads."})


class Parts(Schema):
    """The parts by name."""

    ledger = fields.Nested(Part(), required=True)
    workers = fields.Nested(Part(), required=True)


class Readiness(Schema):
    """Whether callbacks can be stored."""

    status = fields.String(
        required=True,
        validate=validate.OneOf(["ready", "not ready"]),
        metadata={"description": "`ready` or `not ready`."},
    )
    parts = fields.Nested(Parts(), required=True)


@blueprint.get("/livez")
@blueprint.doc(operationId="livez", security=PUBLIC, responses={"200": answered("Web is alive.", Alive), **UNREADABLE})
def livez() -> ResponseReturnValue:
    """Get liveness.

    200 while web answers requests, also while every thread waits for Redis: `legwork web` answers it without a thread.
    """
    return jsonify(status="alive")


@blueprint.get("/readyz")
@blueprint.doc(
    operationId="readyz",
    security=PUBLIC,
    responses={
        "200": answered("A callback can be stored.", Readiness),
        "503": answered("No callback can be stored; the parts' states say why.", Readiness),
        **UNREADABLE,
    },
)
def readyz() -> ResponseReturnValue:
    """Get readiness.

    200 when a callback can be stored, else 503. Missing workers are reported but do not make it 503: callbacks are stored
    without them.
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
    except redis.RedisError:  # it became unreachable after the check a moment ago
        return {"state": "unknown"}
    if not running:
        return {"state": "none running", "hint": "callbacks are stored; start a worker to fetch the calls"}
    return {"state": "ok", "running": len(running), "threads": sum(running.values())}

"""Receives Exotel's callbacks: stores them durably, then answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
import redis
import structlog
from flask import Response, abort, jsonify, request
from flask_smorest import Blueprint
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from schemas.callback import Callback, is_batch, load_callbacks
from webhook.callbacks.auth import account_for, is_allowed
from webhook.callbacks.openapi import by_body, by_query
from webhook.callbacks.parameters import read
from webhook.context.services import Services, services
from webhook.http.problems import problem
from worker import metrics
from worker.errors import LedgerUnusable
from worker.ledger.meters import RECEIVED
from worker.ledger.registry.account_notes import AccountNotes

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("callbacks", __name__, description="Exotel's callbacks.")
log = structlog.get_logger(__name__)

# Exotel retries a StatusCallback after minutes; a client that honours this header retries when Redis may be back.
_LATER = {"Retry-After": "5"}
#: A callback whose CallSid begins so tests the way to here, and is no call. No CallSid of Exotel does: they are hexadecimal.
TEST_SIDS = "legworktest"


@blueprint.get("/callbacks/<token>/passthru")
@blueprint.doc(**by_query("passthru"))
def passthru_by_query(token: str) -> ResponseReturnValue:
    """Receive a Passthru callback.

    Exotel's Passthru applet requests this during a call; a 200 lets the call take its first branch.
    """
    return _receive(token, "passthru")


@blueprint.post("/callbacks/<token>/passthru")
@blueprint.doc(**by_body("passthru"))
def passthru_by_body(token: str) -> ResponseReturnValue:
    """Receive a posted Passthru callback.

    The same as GET, with the parameters in the body. An empty body that names no call is ignored.
    """
    return _receive(token, "passthru")


@blueprint.get("/callbacks/<token>/status")
@blueprint.doc(**by_query("status"))
def status_by_query(token: str) -> ResponseReturnValue:
    """Receive a StatusCallback by GET.

    The same as POST, with the parameters in the query.
    """
    return _receive(token, "status")


@blueprint.post("/callbacks/<token>/status")
@blueprint.doc(**by_body("status"))
def status_by_body(token: str) -> ResponseReturnValue:
    """Receive a StatusCallback.

    Exotel posts it after the call, and at other events that were subscribed to. An empty body that names no call is ignored.
    """
    return _receive(token, "status")


def _receive(token: str, kind: str) -> ResponseReturnValue:
    """Store a callback (contract section 3). The token identifies the account."""
    began, here = time.perf_counter(), services()
    meters = here.ledger.meters
    account = account_for(token, here.settings.accounts)
    if account is None or not is_allowed(request.remote_addr, here.settings.callback_allow):
        reason = "token" if account is None else "address"
        log.info("callback.refused", reason=reason, kind=kind)
        meters.count(metrics.CALLBACKS_REFUSED, kind, reason)
        abort(404)
    if request.method == "HEAD":
        # Some applets send a HEAD before the real request; it stores nothing.
        return "", 200
    try:
        # The request itself, not Flask's proxy, which looks it up at every access.
        parameters = read(request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001  Werkzeug's own way
        if parameters.is_ping:
            return jsonify(accepted=False)
        callbacks = load_callbacks(kind, parameters.pairs, parameters.document, received_at=datetime.now(UTC))
    except ValidationError as error:
        meters.count(metrics.CALLBACKS_REFUSED, kind, "invalid")
        fields = error.normalized_messages()  # type: ignore[no-untyped-call]
        return problem(400, "This callback cannot be used.", errors=fields)
    except HTTPException:  # too long, cut off, or in an unknown Content-Encoding
        meters.count(metrics.CALLBACKS_REFUSED, kind, "invalid")
        raise
    try:
        if here.headroom.is_nearly_full():
            meters.count(metrics.CALLBACKS_REFUSED, kind, "unavailable")
            return problem(503, "The ledger is nearly full. Send it again later.", headers=_LATER)
        answers = [_take(here, account.sid, callback, began) for callback in callbacks]
    except (redis.RedisError, LedgerUnusable) as error:
        log.error("ledger.unreachable", error=str(error))
        meters.count(metrics.CALLBACKS_REFUSED, kind, "unavailable")
        return problem(503, "The callback could not be stored. Send it again.", headers=_LATER)
    for answer in answers:
        outcome, over = ("new", RECEIVED) if answer["accepted"] else ("test" if "test" in answer else "known", None)
        meters.count(metrics.CALLBACKS, account.sid, kind, outcome, over=over)
    meters.observe(metrics.ACK_SECONDS, time.perf_counter() - began, kind)
    document = {"calls": answers} if is_batch(callbacks[0]) else answers[0]
    # The same text as Flask's `jsonify`, in a third of the time.
    return Response(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE), mimetype="application/json")


def _take(here: Services, account_sid: str, callback: Callback, began: float) -> dict[str, Any]:
    """Store a callback, or count it as a test; return the answer."""
    if callback.call_sid.lower().startswith(TEST_SIDS):
        AccountNotes(here.ledger.client, account_sid).note_test()
        return {"call_sid": callback.call_sid, "accepted": False, "test": True}
    return {"call_sid": callback.call_sid, "accepted": _admit(here, account_sid, callback, began)}


def _admit(here: Services, account_sid: str, callback: Callback, began: float) -> bool:
    wait = here.settings.settle_seconds if callback.ended else here.settings.progress_seconds
    asked_by = request.headers.get("traceparent") if here.tracing.is_on else None
    with here.tracing.callback(account_sid, callback, began=began, asked_by=asked_by) as span:
        accepted = here.ledger.calls[account_sid].admit(callback, wait_seconds=wait)
        span.note(legwork__new=accepted)
    if wait == 0:
        here.release(account_sid)
    return accepted

"""`/api/calls`: list, search, show, fetch and redeliver calls, like `legwork calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import structlog
from flask import abort

from webhook.api.blueprints import UNUSABLE, asked_by, check_known, make_blueprint
from webhook.api.replay import replayed
from webhook.api.shapes.calls import (
    CallHistory,
    Calls,
    Delivering,
    Fetched,
    FoundCalls,
    Number,
    Numbers,
    WhichCalls,
)
from webhook.api.shapes.replay import Replayed
from webhook.context.services import services
from webhook.operations.call_history import as_document
from webhook.operations.cursors import read_cursor, write_cursor
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.masking import Shown
from webhook.operations.times import in_ms, utc
from worker.ledger.operations.refetching import Refetch, fetch_again
from worker.ledger.operations.replaying import call_named
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.lookup import STATES, call_history
from worker.ledger.queries.number_search import find_by_number

if TYPE_CHECKING:
    from worker.ledger.queries.lookup import CallSummary

blueprint = make_blueprint("calls", "Calls: their state and history.")
log = structlog.get_logger(__name__)


@blueprint.get("")
@blueprint.doc(operationId="list_calls")
@blueprint.arguments(WhichCalls(), location="query")
@blueprint.response(200, Calls())
@blueprint.alt_response(404, description="There is no such account.")
def list_calls(given: dict[str, Any]) -> dict[str, Any]:
    """List calls.

    Latest first, one page at a time: pass `next` as `after` for the next page.
    """
    ledger, account = services().ledger, given.get("account")
    check_known(account)
    page = page_of_calls(
        ledger,
        limit=given["limit"],
        accounts=None if account is None else [account],
        states=[given["state"]] if "state" in given else STATES,
        since_ms=in_ms(given["since"]) if "since" in given else None,
        until_ms=in_ms(given["until"]) if "until" in given else None,
        after=read_cursor(given.get("after")),
    )
    return {"calls": _documents(page.calls), "next": write_cursor(page.next)}


@blueprint.post("/search")
@blueprint.doc(operationId="search_calls")
@blueprint.arguments(Number())
@blueprint.response(200, FoundCalls())
def search(given: dict[str, Any]) -> dict[str, Any]:
    """Search calls by number.

    Searches a page of the latest calls. The number is in the body because a URL would end up in a proxy's log.
    """
    found = find_by_number(services().ledger, given["number"], after=read_cursor(given["after"]))
    return {
        "calls": _documents(found.calls),
        "looked_through": found.looked_through,
        "next": write_cursor(found.next),
    }


@blueprint.get("/<string(minlength=8, maxlength=64):sid>")
@blueprint.doc(operationId="read_call")
@blueprint.arguments(Numbers(), location="query")
@blueprint.response(200, CallHistory())
@blueprint.alt_response(404, description="The ledger knows no such call; it may have been forgotten.")
def show(given: dict[str, bool], sid: str) -> dict[str, Any]:
    """Get a call.

    Its whole timeline: callbacks, requests, legs, records, deliveries. Numbers are masked except for the last four digits
    unless `numbers` is true, which is logged.
    """
    ledger = services().ledger
    history = call_history(ledger, sid)
    if history is None:
        _no_such_call()
    ledger.refresh_sinks()
    if given["numbers"]:
        log.info("api.numbers_shown", call_sid=history.summary.call_sid, **asked_by())
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=given["numbers"])
    return dict(shown.document(as_document(history)))


@blueprint.post("/<string(minlength=8, maxlength=64):sid>/fetch")
@blueprint.doc(operationId="fetch_call")
@blueprint.response(200, Fetched())
@blueprint.alt_response(404, description="The ledger knows no such call; it may have been forgotten.")
def fetch(sid: str) -> dict[str, Any]:
    """Fetch a call.

    Its legs are requested from Exotel as soon as the account's quota allows, whatever the call's schedule says.
    """
    outcome = fetch_again(services().ledger, sid)
    if outcome is None:
        _no_such_call()
    return {"call_sid": sid, "queued": outcome is not Refetch.UNDER_WAY, "outcome": outcome.value}


@blueprint.post("/<string(minlength=8, maxlength=64):sid>/deliver")
@blueprint.doc(operationId="deliver_call")
@blueprint.arguments(Delivering(), required=False)
@blueprint.response(200, Replayed())
@blueprint.alt_response(404, description="There is no such call, or no such sink.")
@blueprint.alt_response(409, description=UNUSABLE)
def deliver(given: dict[str, Any], sid: str) -> dict[str, Any]:
    """Redeliver a call.

    Its records are delivered again, with the same ids.
    """
    if call_named(services().ledger, sid) is None:
        _no_such_call()
    return replayed({**given, "call_sids": [sid], "account": None, "type": None})


def _documents(calls: list[CallSummary]) -> list[dict[str, Any]]:
    """Return calls as plain data; a reason may quote Exotel, so it is masked."""
    letters = DeadLetters(services().ledger)
    return [
        {
            "account_sid": call.account_sid,
            "call_sid": call.call_sid,
            "state": call.state,
            "at": utc(call.at_ms),
            "since": utc(call.since_ms),
            "reason": None if call.reason is None else letters.fit(call.reason),
        }
        for call in calls
    ]


def _no_such_call() -> NoReturn:
    abort(404, "There is no such call in the ledger. It may have been forgotten: see RETENTION_DAYS.")

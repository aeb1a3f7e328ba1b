"""`/api/calls`: list, search, show, fetch and redeliver calls, like `legwork calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import structlog
from flask import abort

from webhook.api.blueprints import UNUSABLE, asked_by, by_api, make_blueprint
from webhook.api.call_filters import which_calls
from webhook.api.replay import replayed
from webhook.api.shapes.calls import (
    CallHistory,
    Calls,
    Delivering,
    Fetched,
    FoundCalls,
    Numbers,
    Search,
    WhichCalls,
)
from webhook.api.shapes.replay import Replayed
from webhook.context.services import services
from webhook.operations.call_history import as_document
from webhook.operations.call_rows import as_document as as_row
from webhook.operations.cursors import read_cursor, write_cursor
from webhook.operations.masking import Shown
from worker.ledger.operations.refetching import Refetch, fetch_again
from worker.ledger.operations.replaying import call_named
from worker.ledger.queries.filters import CallFilter, SearchText
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.lookup import call_history

if TYPE_CHECKING:
    from worker.ledger.queries.listing import Page

blueprint = make_blueprint("calls", "Calls: their state and history.")
log = structlog.get_logger(__name__)


@blueprint.get("")
@blueprint.doc(operationId="list_calls")
@blueprint.arguments(WhichCalls(), location="query")
@blueprint.response(200, Calls())
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
def list_calls(given: dict[str, Any]) -> dict[str, Any]:
    """List calls.

    Latest first, by when they began, one page at a time: pass `next` as `after` for the next page. Where a filter leaves out
    many calls a page may be short, or empty, before the last one.
    """
    wanted = which_calls(given)
    page = page_of_calls(services().ledger, limit=given["limit"], wanted=wanted, after=read_cursor(given.get("after")))
    return {"calls": _documents(page, numbers=given["numbers"]), "next": write_cursor(page.next)}


@blueprint.post("/search")
@blueprint.doc(operationId="search_calls")
@blueprint.arguments(Search())
@blueprint.response(200, FoundCalls())
def search(given: dict[str, Any]) -> dict[str, Any]:
    """Search calls.

    By CallSid, number or custom field, the latest first. The text is in the body because a URL would end up in a proxy's log.
    """
    wanted = CallFilter(search=SearchText.of(given["text"]))
    page = page_of_calls(services().ledger, limit=given["limit"], wanted=wanted, after=read_cursor(given["after"]))
    return {
        "calls": _documents(page, numbers=given["numbers"]),
        "looked_through": page.looked_through,
        "next": write_cursor(page.next),
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
    outcome = fetch_again(services().ledger, sid, by=by_api())
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
    return replayed({**given, "call_sids": [sid], "account": None, "type": None}, sooner=True)


def _documents(page: Page, *, numbers: bool) -> list[dict[str, Any]]:
    ledger = services().ledger
    ledger.refresh_sinks()
    if numbers and page.calls:
        log.info("api.numbers_shown", calls=len(page.calls), **asked_by())
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)
    return [as_row(call, shown) for call in page.calls]


def _no_such_call() -> NoReturn:
    abort(404, "There is no such call in the ledger. It may have been forgotten: see RETENTION_DAYS.")

"""`/calls`: where calls stand, and how to find one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from marshmallow import ValidationError

from schemas.fields import CallSid
from webhook.door import door
from worker.ledger.browsing import Place, page_of_calls
from worker.ledger.finding import LOOKED_THROUGH, find_by_number
from worker.ledger.replaying import call_named
from worker.ledger.standing import STATES

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("calls", __name__)

_ON_A_PAGE = 50
# What somebody would dial, or a sip address.
_NUMBER = re.compile(r"\+?[0-9 ()./-]{4,32}|sips?:\S{1,128}", re.ASCII | re.IGNORECASE)


@blueprint.get("/calls")
def browse() -> ResponseReturnValue:
    """Show a page of calls, narrowed down by state and account."""
    ledger = door().ledger
    state, account = request.args.get("state", ""), request.args.get("account", "")
    if state not in {"", *STATES} or account not in {"", *ledger.calls}:
        abort(404, "There is no such state, or no such account.")
    page = page_of_calls(
        ledger,
        limit=_ON_A_PAGE,
        accounts=[account] if account else None,
        states=[state] if state else STATES,
        after=_place(request.args.get("after", "")),
    )
    return render_template(
        "calls.html",
        calls=page.calls,
        next=_written(page.next),
        is_first="after" not in request.args,
        state=state,
        account=account,
        states=STATES,
        accounts=list(ledger.calls),
        now_ms=ledger.now_ms(),
        looked_through=LOOKED_THROUGH,
    )


@blueprint.post("/calls")
def search() -> ResponseReturnValue:
    """Find a call by its SID, or calls by a number; by POST, for a URL with a number would be in a proxy's log."""
    ledger, wanted = door().ledger, request.form.get("wanted", "").strip()
    if (sid := _call_sid(wanted)) is not None and call_named(ledger, sid) is not None:
        return redirect(url_for("console.call.show", sid=sid), 303)
    if not _NUMBER.fullmatch(wanted):
        return render_template("found.html", wanted=wanted, found=None, is_sid=_call_sid(wanted) is not None)
    found = find_by_number(ledger, wanted, after=_place(request.form.get("after", "")))
    return render_template(
        "found.html",
        wanted=wanted,
        found=found,
        next=_written(found.next),
        before=request.form.get("before", default=0, type=int) + found.looked_through,
        now_ms=ledger.now_ms(),
    )


def _call_sid(text: str) -> str | None:
    try:
        return str(CallSid().deserialize(text))
    except ValidationError:
        return None


def _written(place: Place | None) -> str:
    return "" if place is None else f"{place.at_ms:.3f}-{place.call_sid}"


def _place(text: str) -> Place | None:
    if not text:
        return None
    at, _, call_sid = text.partition("-")
    try:
        return Place(float(at), call_sid)
    except ValueError:
        abort(404, "There is no such page of calls.")

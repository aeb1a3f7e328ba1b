"""`/calls`: the list of calls, and the search."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError

from schemas.fields import CallSid
from webhook.context.services import services
from webhook.operations.cursors import read_cursor, write_cursor
from worker.ledger.operations.replaying import call_named
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.lookup import STATES
from worker.ledger.queries.number_search import NUMBER, find_by_number

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

    from flask.typing import ResponseReturnValue

    from worker.ledger.queries.listing import ListCursor

blueprint = Blueprint("calls", __name__)

_ON_A_PAGE = 50


@blueprint.get("/calls")
def browse() -> ResponseReturnValue:
    """Show a page of calls, filtered by state, account and time."""
    ledger = services().ledger
    state, account = request.args.get("state", ""), request.args.get("account", "")
    _check_choice("state", state, STATES)
    _check_choice("account", account, ledger.calls)
    # Accounts may have different time zones; times are in the selected account's, which the form shows.
    zone = ledger.account(account or next(iter(ledger.calls))).timezone
    since, until = request.args.get("since", ""), request.args.get("until", "")
    page = page_of_calls(
        ledger,
        limit=_ON_A_PAGE,
        accounts=[account] if account else None,
        states=[state] if state else STATES,
        since_ms=_moment(since, zone),
        until_ms=_moment(until, zone),
        after=_place(request.args.get("after", "")),
    )
    return render_template(
        "calls.html",
        calls=page.calls,
        next=write_cursor(page.next),
        is_first="after" not in request.args,
        state=state,
        account=account,
        since=since,
        until=until,
        zone=zone,
        chosen={"state": state or None, "account": account or None, "since": since or None, "until": until or None},
        states=STATES,
        accounts=list(ledger.calls),
        now_ms=ledger.now_ms(),
    )


@blueprint.post("/calls")
def search() -> ResponseReturnValue:
    """Find a call by its SID, or calls by a number. It is a POST because a URL would end up in a proxy's log."""
    ledger, wanted = services().ledger, request.form.get("wanted", "").strip()
    if (sid := _call_sid(wanted)) is not None and call_named(ledger, sid) is not None:
        return redirect(url_for("console.call.show", sid=sid), 303)
    if not re.fullmatch(NUMBER, wanted):
        return render_template("found.html", wanted=wanted, found=None, is_sid=_call_sid(wanted) is not None)
    found = find_by_number(ledger, wanted, after=_place(request.form.get("after", "")))
    return render_template(
        "found.html",
        wanted=wanted,
        found=found,
        next=write_cursor(found.next),
        looked_through=request.form.get("looked_through", default=0, type=int) + found.looked_through,
        hits=request.form.get("hits", default=0, type=int) + len(found.calls),
        now_ms=ledger.now_ms(),
    )


def _call_sid(text: str) -> str | None:
    try:
        return str(CallSid().deserialize(text))
    except ValidationError:
        return None


def _moment(text: str, zone: tzinfo) -> float | None:
    """Read the value of a datetime-local input, such as `2026-09-16T11:00`, as a time in the given zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000
    except (ValueError, OverflowError):
        _refuse("That is no time: give 2026-09-16T11:00, or 2026-09-16T05:30Z.")


def _place(text: str) -> ListCursor | None:
    try:
        return read_cursor(text)
    except ValueError:
        _refuse("There is no such page of calls.")


def _check_choice(name: str, given: str, choices: Iterable[str]) -> None:
    """Refuse a filter that selects nothing that exists, with what there is; '' selects everything."""
    if given and given not in choices:
        _refuse(f"There is no {name} {given!r}. {name.capitalize()}s: {', '.join(choices)}.")


def _refuse(text: str) -> NoReturn:
    """End the request with a page that says what is wrong with the URL's query, and leads back to all calls."""
    page = render_template(
        "message.html", title="These calls cannot be shown", text=text, back=("/calls", "To all calls")
    )
    abort(make_response(page, 400))

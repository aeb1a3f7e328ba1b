"""`/calls`: the list of calls with its filters, and the search."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import structlog
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError

from schemas.fields import CallSid
from webhook.console.gate import sessions
from webhook.console.url_query import IN_A_FORM, check_choice, moment_ms
from webhook.console.zone import viewer_zone
from webhook.context.services import services
from webhook.operations.call_export import csv_lines
from webhook.operations.cursors import read_cursor, write_cursor
from webhook.operations.finding_calls import nothing_found
from webhook.operations.masking import Shown
from worker.ledger.operations.replaying import call_named
from worker.ledger.queries.filters import DIRECTIONS, LONGEST, OUTCOMES, CallFilter, SearchText
from worker.ledger.queries.listing import all_calls, calls_kept, page_of_calls
from worker.ledger.queries.lookup import STATES

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from worker.ledger.queries.listing import ListCursor

blueprint = Blueprint("calls", __name__)
log = structlog.get_logger(__name__)

_ON_A_PAGE = 50
# What a URL of the list may say, in the order of the form.
_FILTERS = ("search", "state", "outcome", "direction", "undelivered", "account", "since", "until")


@blueprint.get("/calls")
def browse() -> ResponseReturnValue:
    """Show a page of the calls that the URL's filters choose, numbers masked."""
    return _page(numbers=False)


@blueprint.post("/calls/numbers")
def show_numbers() -> ResponseReturnValue:
    """Show the page with its numbers in full, for this request only; it is logged."""
    log.info("console.numbers_shown", page="calls", address=request.remote_addr)
    return _page(numbers=True)


@blueprint.get("/calls.csv")
def export() -> ResponseReturnValue:
    """Return all calls that the URL's filters choose as CSV, numbers masked."""
    return _csv(numbers=False)


@blueprint.post("/calls.csv")
def export_numbers() -> ResponseReturnValue:
    """Return them with their numbers in full; it is logged."""
    log.info("console.numbers_shown", page="calls.csv", address=request.remote_addr)
    return _csv(numbers=True)


@blueprint.post("/calls")
def search() -> ResponseReturnValue:
    """Show a call by its CallSid, or lead to the list of what a text finds.

    The text is encrypted in the list's URL, which a proxy logs and a browser remembers.
    """
    wanted = request.form.get("wanted", "").strip()
    if (sid := _call_sid(wanted)) is not None and call_named(services().ledger, sid) is not None:
        return redirect(url_for("console.call.show", sid=sid), 303)
    return redirect(url_for("console.calls.browse", search=sessions().seal(wanted[: LONGEST + 1])), 303)


class _Chosen(NamedTuple):
    """What the URL's filters choose."""

    #: The filters that are set, by their names.
    given: dict[str, str]
    wanted: CallFilter
    #: The text that is searched, and what is wrong with it.
    text: str
    problem: str | None


def _chosen() -> _Chosen:
    """Read the URL's filters. Ends the request with a page that says what is wrong with one."""
    try:
        return _read_url()
    except ValueError as error:
        _refuse(str(error))


def _read_url() -> _Chosen:
    ledger = services().ledger
    ledger.refresh_sinks()
    chosen = {name: request.args.get(name, "") for name in _FILTERS}
    for name, known in (
        ("state", STATES),
        ("outcome", OUTCOMES),
        ("direction", DIRECTIONS),
        ("undelivered", ledger.sinks),
        ("account", ledger.calls),
    ):
        check_choice("sink" if name == "undelivered" else name, chosen[name], known)
    text, search, problem = _searched(chosen["search"])
    wanted = CallFilter(
        accounts=[chosen["account"]] if chosen["account"] else None,
        search=search,
        since_ms=moment_ms(chosen["since"], viewer_zone()),
        until_ms=moment_ms(chosen["until"], viewer_zone()),
        **{name: chosen[name] or None for name in ("state", "outcome", "direction", "undelivered")},
    )
    return _Chosen({name: value for name, value in chosen.items() if value}, wanted, text, problem)


def _page(*, numbers: bool) -> ResponseReturnValue:
    ledger, (given, wanted, text, problem) = services().ledger, _chosen()
    page = None if problem else page_of_calls(ledger, limit=_ON_A_PAGE, wanted=wanted, after=_place())
    is_empty = page is not None and not page.calls and not page.next
    return render_template(
        "calls.html",
        page=page,
        problem=problem,
        next=write_cursor(page.next if page else None),
        is_first="after" not in request.args,
        wanted=text,
        nothing=nothing_found(ledger, wanted.search) if wanted.search and is_empty else None,
        chosen=given,
        presets=_presets(given),
        states=STATES,
        outcomes=OUTCOMES,
        directions=DIRECTIONS,
        accounts=list(ledger.calls),
        sinks=list(ledger.sinks),
        kept=calls_kept(ledger),
        now_ms=ledger.now_ms(),
        shown=_shown(numbers=numbers),
    )


def _csv(*, numbers: bool) -> ResponseReturnValue:
    chosen = _chosen()
    if chosen.problem:
        _refuse(chosen.problem)
    lines = "".join(csv_lines(all_calls(services().ledger, chosen.wanted), _shown(numbers=numbers)))
    headers = {"Content-Disposition": 'attachment; filename="calls.csv"'}
    return Response(lines, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _shown(*, numbers: bool) -> Shown:
    ledger = services().ledger
    return Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)


def _searched(sealed: str) -> tuple[str, SearchText | None, str | None]:
    """Return the text of a sealed search, what it means, and what is wrong with it."""
    if not sealed:
        return "", None, None
    text = sessions().unseal(sealed)
    if text is None:
        return "", None, "This link to a search is no longer valid: search again."
    try:
        return text, SearchText.of(text), None
    except ValueError as error:
        return text, None, f"{str(error)[0].upper()}{str(error)[1:]}."


def _presets(chosen: dict[str, str]) -> list[tuple[str, str]]:
    """Return links to spans of time that people ask for, with the other filters as they are."""
    now = datetime.now(viewer_zone())
    today = now.replace(hour=0, minute=0)
    spans: list[tuple[str, datetime, datetime | None]] = [
        ("Last hour", now - timedelta(hours=1), None),
        ("Today", today, None),
        ("Yesterday", today - timedelta(days=1), today),
        ("7 days", today - timedelta(days=6), None),
    ]
    links = []
    for name, since, until in spans:
        span: dict[str, Any] = {"since": f"{since:{IN_A_FORM}}", "until": f"{until:{IN_A_FORM}}" if until else None}
        links.append((name, url_for("console.calls.browse", **{**chosen, **span})))
    return links


def _call_sid(text: str) -> str | None:
    try:
        return str(CallSid().deserialize(text))
    except ValidationError:
        return None


def _place() -> ListCursor | None:
    try:
        return read_cursor(request.args.get("after", ""))
    except ValueError:
        _refuse("There is no such page of calls.")


def _refuse(text: str) -> NoReturn:
    """End the request with a page that says what is wrong with the URL's query, and leads back to all calls."""
    page = render_template(
        "message.html", title="These calls cannot be shown", text=text, back=("/calls", "To all calls")
    )
    abort(make_response(page, 400))

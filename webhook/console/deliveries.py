"""`/sinks/<name>/deliveries`: what waits for a sink and what failed for good, to look at and to retry one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, abort, render_template, request

from webhook.console.call import redeliver
from webhook.console.flash import back_to
from webhook.console.url_query import check_choice
from webhook.context.services import services
from webhook.operations.masking import Shown
from worker.ledger.queries.recent import page_of_dead_letters
from worker.ledger.queries.waiting_deliveries import ALL_LANES, FAILED_LANES, waiting_deliveries

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from worker.ledger import Ledger

blueprint = Blueprint("deliveries", __name__)

_ON_A_PAGE = 50
# Further down a list is read from its beginning; who wants more narrows it down.
_MOST_PAGES = 200
#: What the list may be narrowed down to, and the words for it.
STATES = {"waiting": "Waiting", "failing": "Failing", "dead": "Dead letters"}


class Row(NamedTuple):
    """A delivery in the list; `at_ms` is when it is due, or when it failed for good."""

    at_ms: float
    call_sid: str
    event_key: str
    attempts: list[dict[str, Any]]


@blueprint.get("/sinks/<name>/deliveries")
def show(name: str) -> ResponseReturnValue:
    """Show the deliveries in a state, a page of them."""
    ledger = _ledger_with(name)
    state, page = _chosen()
    rows = _rows(ledger, name, state, (page - 1) * _ON_A_PAGE)
    return render_template(
        "deliveries.html",
        name=name,
        state=state,
        states=STATES,
        rows=rows[:_ON_A_PAGE],
        page=page,
        has_more=len(rows) > _ON_A_PAGE and page < _MOST_PAGES,
        shown=Shown(ledger.settings, list(ledger.sinks.values()), numbers=False),
        now_ms=ledger.now_ms(),
    )


@blueprint.post("/sinks/<name>/deliveries/retry")
def retry(name: str) -> ResponseReturnValue:
    """Retry the deliveries of one call to the sink now."""
    _ledger_with(name)
    state, page = _chosen()
    said, number = redeliver(request.form.get("sid", ""), name)
    return back_to("console.deliveries.show", said, number, name=name, state=state, page=page)


def _chosen() -> tuple[str, int]:
    """Return the state and the page that the URL names. Answers 400 to what there is not."""
    state, page = request.args.get("state", "waiting"), request.args.get("page", "1")
    try:
        check_choice("state", state, STATES)
    except ValueError as error:
        abort(400, str(error))
    if not page.isascii() or not page.isdigit() or not 1 <= int(page) <= _MOST_PAGES:
        abort(400, f"There is no page {page!r}: give 1 to {_MOST_PAGES}.")
    return state, int(page)


def _rows(ledger: Ledger, name: str, state: str, start: int) -> list[Row]:
    """Return the rows of a page, and one more where there is another page."""
    if state == "dead":
        letters = page_of_dead_letters(ledger, limit=start + _ON_A_PAGE + 1, sink=name).letters[start:]
        return [Row(letter.at_ms, letter.call_sid, letter.event_key, letter.attempts) for letter in letters]
    lanes = FAILED_LANES if state == "failing" else ALL_LANES
    found = waiting_deliveries(ledger, name, lanes=lanes, start=start, limit=_ON_A_PAGE + 1)
    return [Row(each.due_ms, each.call_sid, each.event_key, each.attempts) for each in found]


def _ledger_with(sink: str) -> Ledger:
    ledger = services().ledger
    ledger.refresh_sinks()
    if sink not in ledger.sinks:
        abort(404, f"There is no sink {sink}. Sinks: {', '.join(ledger.sinks)}.")
    return ledger

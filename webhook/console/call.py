"""`/calls/<sid>`: one call's timeline, a drawing of its legs, and the actions on it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from flask import Blueprint, Response, abort, render_template, request

from webhook.console.flash import back_to
from webhook.console.zone import viewer_zone
from webhook.context.services import services
from webhook.operations.masking import Shown
from webhook.timeline.svg import SAVED_WIDTH, draw_svg
from worker.ledger.operations.refetching import Refetch, fetch_again
from worker.ledger.operations.replaying import Fate, Replay, Wanted, call_named
from worker.ledger.queries.lookup import call_history

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from schemas.callback import Callback
    from worker.ledger.operations.replaying import Tally
    from worker.ledger.queries.lookup import CallHistory

blueprint = Blueprint("call", __name__)
log = structlog.get_logger(__name__)

NO_SUCH_CALL = "There is no such call in the ledger. It may have been forgotten: see RETENTION_DAYS."
# The page keeps refreshing while the confirming read is due within this time.
_SOON_MS = 60_000


class TimelineEntry(NamedTuple):
    """An entry of a call's timeline."""

    at_ms: float
    what: str
    text: str


@blueprint.get("/calls/<sid>")
def show(sid: str) -> ResponseReturnValue:
    """Show a call, its numbers masked."""
    return _page(_history(sid), numbers=False)


@blueprint.post("/calls/<sid>/numbers")
def show_numbers(sid: str) -> ResponseReturnValue:
    """Show a call with its numbers in full, for this request only; it is logged."""
    history = _history(sid)
    log.info("console.numbers_shown", call_sid=history.summary.call_sid, address=request.remote_addr)
    return _page(history, numbers=True)


@blueprint.get("/calls/<sid>/legs.svg")
def legs(sid: str) -> ResponseReturnValue:
    """Return the drawing as a file to save; its numbers are masked."""
    drawing = _drawing(_history(sid), _shown(numbers=False), width=SAVED_WIDTH)
    if drawing is None:
        abort(404, "Exotel has told nothing of this call's legs yet.")
    return Response(drawing, content_type="image/svg+xml; charset=utf-8")


@blueprint.post("/calls/<sid>/fetch")
def fetch_now(sid: str) -> ResponseReturnValue:
    """Fetch a call now, whatever its schedule says, like `legwork calls fetch`."""
    done = fetch_again(services().ledger, sid)
    if done is None:
        abort(404, NO_SUCH_CALL)
    # The message "retried" is about dead letters.
    return back_to("console.call.show", "refetch" if done is Refetch.RETRIED else done.value, sid=sid)


@blueprint.post("/calls/<sid>/deliver")
def deliver_again(sid: str) -> ResponseReturnValue:
    """Redeliver a call's records to one sink or to all, like `legwork replay`."""
    ledger = services().ledger
    ledger.refresh_sinks()
    sink = request.form.get("sink") or None
    known = call_named(ledger, sid)
    if known is None or sink not in {None, *ledger.sinks}:
        abort(404, "There is no such call, or no such sink.")
    plan = Replay(ledger, Wanted(sink=sink))
    done: Tally = Counter()
    for _, counts in plan.run([known]):
        done.update(counts)
    queued, waiting = (
        sum(number for (_, found), number in done.items() if found is fate) for fate in (Fate.QUEUED, Fate.WAITING)
    )
    if queued:
        return back_to("console.call.show", "queued", queued, sid=sid)
    return back_to("console.call.show", "waiting" if waiting else "unchanged", waiting, sid=sid)


def _history(sid: str) -> CallHistory:
    history = call_history(services().ledger, sid)
    if history is None:
        abort(404, NO_SUCH_CALL)
    return history


def _page(history: CallHistory, *, numbers: bool) -> ResponseReturnValue:
    ledger, shown = services().ledger, _shown(numbers=numbers)
    records = [
        (name, event["data"], _json(shown.document(event))) for name, event in reversed(list(history.events.items()))
    ]
    deliveries, now_ms = _deliveries(history, shown), ledger.now_ms()
    is_unfinished = (
        history.summary.state in {"waiting", "fetching"}
        or any(it["state"] == "waiting" for it in deliveries)
        or (history.confirm_at_ms is not None and history.confirm_at_ms < now_ms + _SOON_MS)
    )
    return render_template(
        "call.html",
        history=history,
        # Numbers are shown for one request: a refresh would mask them again.
        is_moving=is_unfinished and not numbers,
        call=history.summary,
        shown=shown,
        now_ms=now_ms,
        drawing=_drawing(history, shown),
        records=records,
        callbacks=[
            (callback, _json(shown.document(callback.params, by_others=True))) for callback in history.callbacks
        ],
        moments=_timeline(history, shown),
        deliveries=deliveries,
    )


def _timeline(history: CallHistory, shown: Shown) -> list[TimelineEntry]:
    """Return callbacks, steps and delivery attempts in the order in which they happened."""
    moments = [
        TimelineEntry(callback.received_at.timestamp() * 1000, "callback", _heard(callback, shown))
        for callback in history.callbacks
    ]
    moments += [TimelineEntry(step["at"], step["step"], shown.text(str(step["answer"]))) for step in history.steps]
    for name, delivery in history.deliveries.items():
        sink = name.partition("/")[0]
        moments += [
            TimelineEntry(attempt["at"], f"delivery to {sink}", shown.text(attempt["answer"]))
            for attempt in delivery.get("attempts", [])
        ]
    return sorted(moments, key=lambda moment: moment.at_ms)


def _heard(callback: Callback, shown: Shown) -> str:
    event = callback.event and shown.as_asked(callback.event)
    return ", ".join(filter(None, (callback.kind, event, "the call has ended" if callback.ended else "")))


def _deliveries(history: CallHistory, shown: Shown) -> list[dict[str, Any]]:
    found = []
    for name, delivery in history.deliveries.items():
        sink, _, record = name.partition("/")
        attempts = [
            {**attempt, "answer": shown.text(attempt["answer"]), "body": shown.text(attempt.get("body", ""))}
            for attempt in delivery.get("attempts", [])
        ]
        said = delivery.get("last_answer")
        last = said and {**said, "body": shown.text(said["body"])}
        state = delivery.get("state", "waiting")
        found.append({"sink": sink, "record": record, "state": state, "attempts": attempts, "last": last})
    return found


def _shown(*, numbers: bool) -> Shown:
    ledger = services().ledger
    ledger.refresh_sinks()
    return Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)


def _drawing(history: CallHistory, shown: Shown, *, width: str = "100%") -> str | None:
    """Draw the legs of the newest record that has any."""
    for event in reversed(history.events.values()):
        if event["data"]["legs"]:
            legs = event["data"]["legs"]
            return draw_svg(legs, zone=viewer_zone(), numbers=shown.numbers, fit=shown.as_asked, width=width)
    return None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)

"""`/calls/<sid>`: one call's timeline, a drawing of its legs, and the actions on it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Response, abort, render_template, request

from webhook.console.flash import CONSOLE, back_to
from webhook.console.zone import viewer_zone
from webhook.context.services import services
from webhook.operations.call_summary import call_facts, summary_of_call
from webhook.operations.call_timeline import timeline_of, told_by
from webhook.operations.masking import Shown
from webhook.operations.revisions import Changed, changes_between
from webhook.timeline.svg import SAVED_WIDTH, draw_svg
from worker.ledger.operations.refetching import Refetch, fetch_again
from worker.ledger.operations.replaying import Fate, Replay, Wanted, call_named
from worker.ledger.queries.lookup import call_history

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from worker.ledger.queries.lookup import CallHistory

blueprint = Blueprint("call", __name__)
log = structlog.get_logger(__name__)

NO_SUCH_CALL = "There is no such call in the ledger. It may have been forgotten: see RETENTION_DAYS."
# The page keeps refreshing while the confirming read is due within this time.
_SOON_MS = 60_000


class RecordView(NamedTuple):
    """A record of a call as the page shows it: what changed since the one before, and its deliveries."""

    key: str
    revision: str
    kind: str
    data: dict[str, Any]
    #: Pretty JSON, masked.
    text: str
    changes: list[Changed]
    deliveries: list[dict[str, Any]]


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


@blueprint.get("/calls/<sid>/record.json")
def record(sid: str) -> ResponseReturnValue:
    """Return a record as a file to save, the newest or the one that `record` names; its numbers are masked."""
    events = _history(sid).events
    key = request.args.get("record") or next(reversed(events), "")
    if key not in events:
        abort(404, f"The call has no record {key}.")
    return Response(_json(_shown(numbers=False).document(events[key])), content_type="application/json")


@blueprint.post("/calls/<sid>/fetch")
def fetch_now(sid: str) -> ResponseReturnValue:
    """Fetch a call now, whatever its schedule says, like `legwork calls fetch`."""
    done = fetch_again(services().ledger, sid, by=CONSOLE)
    if done is None:
        abort(404, NO_SUCH_CALL)
    # The message "retried" is about dead letters.
    return back_to("console.call.show", "refetch" if done is Refetch.RETRIED else done.value, sid=sid)


@blueprint.post("/calls/<sid>/deliver")
def deliver_again(sid: str) -> ResponseReturnValue:
    """Redeliver a call's records to one sink or to all, like `legwork replay`; what waits is retried now."""
    said, number = redeliver(sid, request.form.get("sink") or None)
    return back_to("console.call.show", said, number, sid=sid)


def redeliver(sid: str, sink: str | None) -> tuple[str, int]:
    """Redeliver a call's records; return the message for it (see `flash`) and its number. Answers 404 for what is unknown."""
    ledger = services().ledger
    ledger.refresh_sinks()
    known = call_named(ledger, sid)
    if known is None or sink not in {None, *ledger.sinks}:
        abort(404, "There is no such call, or no such sink.")
    plan = Replay(ledger, Wanted(sink=sink, sooner=True), by=CONSOLE)
    done: Counter[Fate] = Counter()
    for _, counts in plan.run([known]):
        for (_, found), number in counts.items():
            done[found] += number
    for fate, said in {Fate.QUEUED: "queued", Fate.SOONER: "brought_forward", Fate.WAITING: "waiting"}.items():
        if done[fate]:
            return said, done[fate]
    return "unchanged", 1


def _history(sid: str) -> CallHistory:
    history = call_history(services().ledger, sid)
    if history is None:
        abort(404, NO_SUCH_CALL)
    return history


def _page(history: CallHistory, *, numbers: bool) -> ResponseReturnValue:
    ledger, shown = services().ledger, _shown(numbers=numbers)
    now_ms, records, facts = ledger.now_ms(), _records(history, shown), call_facts(ledger, history)
    recording = _link(facts.recording_url or "", shown)
    is_unfinished = (
        history.summary.state in {"waiting", "fetching"}
        or any(delivery["state"] == "waiting" for record in records for delivery in record.deliveries)
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
        summary=summary_of_call(ledger, history, shown.number),
        facts=facts,
        recording=recording,
        recording_host=urlsplit(recording).hostname,
        drawing=_drawing(history, shown),
        records=records,
        sinks=sorted({delivery["sink"] for record in records for delivery in record.deliveries}),
        callbacks=[
            (callback, told_by(callback, shown), _json(shown.document(callback.params, by_others=True)))
            for callback in history.callbacks
        ],
        timeline=timeline_of(history, shown),
    )


def _records(history: CallHistory, shown: Shown) -> list[RecordView]:
    """Return the call's records, the newest first."""
    found: list[RecordView] = []
    before: dict[str, Any] | None = None
    for key, event in history.events.items():
        revision, _, kind = key.partition("/")
        changes = [] if before is None else changes_between(before, event["data"], shown)
        text = _json(shown.document(event))
        found.append(RecordView(key, revision, kind, event["data"], text, changes, _deliveries(history, key, shown)))
        before = event["data"]
    return found[::-1]


def _deliveries(history: CallHistory, event_key: str, shown: Shown) -> list[dict[str, Any]]:
    found = []
    for name, delivery in history.deliveries.items():
        sink, _, record = name.partition("/")
        if record != event_key:
            continue
        attempts = [
            {**attempt, "answer": shown.text(attempt["answer"]), "body": shown.text(attempt.get("body", ""))}
            for attempt in delivery.get("attempts", [])
        ]
        said = delivery.get("last_answer")
        last = said and {**said, "body": shown.text(said["body"])}
        state = delivery.get("state", "waiting")
        found.append({"name": name, "sink": sink, "state": state, "attempts": attempts, "last": last})
    return found


def _shown(*, numbers: bool) -> Shown:
    ledger = services().ledger
    ledger.refresh_sinks()
    return Shown(ledger.settings, list(ledger.sinks.values()), numbers=numbers)


def _link(url: str, shown: Shown) -> str:
    """Return a URL from outside if it may be a link: '' for another scheme, or one with a number that is masked here."""
    return url if url.startswith(("https://", "http://")) and shown.as_asked(url) == url else ""


def _drawing(history: CallHistory, shown: Shown, *, width: str = "100%") -> str | None:
    """Draw the legs of the newest record that has any."""
    for event in reversed(history.events.values()):
        if event["data"]["legs"]:
            legs = event["data"]["legs"]
            return draw_svg(legs, zone=viewer_zone(), numbers=shown.numbers, fit=shown.as_asked, width=width)
    return None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)

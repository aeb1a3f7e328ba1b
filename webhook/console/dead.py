"""`/dead`: failed calls and dead letters by reason, to retry or discard after a confirmation with counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from webhook.console.flash import CONSOLE, back_to
from webhook.context.services import services
from webhook.operations.dead_letter_selection import Selection, key_of
from webhook.operations.dead_letters import FETCH, DeadLetters
from worker.ledger.operations.dead_letters import DeadLetterOperations
from worker.ledger.queries.recent import recent_dead_letters

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from werkzeug.datastructures import MultiDict

blueprint = Blueprint("dead", __name__)

_LISTED = 50
_VERBS = {"retry": "Retry", "drop": "Discard"}


@blueprint.get("/dead")
def show() -> ResponseReturnValue:
    """Show reasons with their counts, and the latest failures."""
    ledger = services().ledger
    ledger.refresh_sinks()
    letters = DeadLetters(ledger)
    reasons = letters.reasons()
    return render_template(
        "dead.html",
        total=letters.count(),
        grouped=reasons.total(),
        groups=reasons.most_common(_LISTED),
        last=recent_dead_letters(ledger, limit=_LISTED),
        letters=letters,
        key_of=key_of,
        now_ms=ledger.now_ms(),
    )


@blueprint.post("/dead/confirm")
def confirm() -> ResponseReturnValue:
    """Count what was selected, and ask for confirmation."""
    ledger = services().ledger
    ledger.refresh_sinks()
    verb = _verb()
    chosen = _selection(request.form)
    if chosen is None:
        return render_template("message.html", title="Nothing is selected", text="Select failures first."), 422
    # What fails after it was counted is not part of the confirmation.
    until_ms = ledger.now_ms()
    what = Counter(letter.sink or FETCH for letter in chosen.letters(DeadLetters(ledger), until_ms=until_ms))
    return render_template("confirm.html", verb=verb, action=_VERBS[verb], chosen=chosen, what=what, until_ms=until_ms)


@blueprint.post("/dead/mend")
def mend() -> ResponseReturnValue:
    """Retry or discard the selection, like `legwork dead retry` and `legwork dead drop`."""
    ledger = services().ledger
    ledger.refresh_sinks()
    verb, chosen = _verb(), _selection(request.form)
    until_ms = request.form.get("until_ms", type=float)
    if chosen is None or until_ms is None:
        abort(422, "Nothing is selected.")
    found = chosen.letters(DeadLetters(ledger), until_ms=until_ms)
    operations = DeadLetterOperations(ledger, by=CONSOLE)
    done = operations.retry(found) if verb == "retry" else operations.drop(found)
    number = done.calls + done.deliveries
    return back_to(
        "console.dead.show", {"retry": "retried", "drop": "dropped"}[verb] if number else "unchanged", number
    )


def _selection(form: MultiDict[str, str]) -> Selection | None:
    """Return what a form chose; None if that is nothing. Its confirmation page brings the same along again."""
    keys = tuple(dict.fromkeys(form.getlist("letter")))
    if not keys and form.get("all") is None and not form.get("reason"):
        return None
    return Selection(keys, form.get("what", ""), form.get("reason", ""))


def _verb() -> str:
    verb = request.form.get("do", "")
    if verb not in _VERBS:
        abort(422, "What is to be done is neither `retry` nor `drop`.")
    return verb

"""`/dead`: what was given up on, by its reason; try it again, or let go of it. Counts first."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from flask import Blueprint, abort, render_template, request

from webhook.console.chosen import FETCH, Chosen, key_of
from webhook.console.said import back_to
from webhook.door import door
from webhook.letters import Letters
from worker.ledger.lately import given_up_lately
from worker.ledger.mending import Mending
from worker.ledger.standing import account_standing, sink_standing

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from worker.ledger import Ledger

blueprint = Blueprint("dead", __name__)

# Each letter is read to know its reason. More than these are there only when something is wrong for all of them alike.
_GROUPED = 5_000
_LISTED = 50
_VERBS = {"retry": "Try again", "drop": "Drop"}


@blueprint.get("/dead")
def show() -> ResponseReturnValue:
    """Show reasons with their counts, and the last letters."""
    ledger = door().ledger
    ledger.refresh_sinks()
    letters = Letters(ledger)
    reasons: Counter[tuple[str, str]] = Counter(
        (letter.sink or FETCH, letters.reason(letter)) for letter in islice(letters.all(), _GROUPED)
    )
    return render_template(
        "dead.html",
        total=_count(ledger),
        grouped=reasons.total(),
        groups=reasons.most_common(_LISTED),
        last=given_up_lately(ledger, limit=_LISTED),
        letters=letters,
        key_of=key_of,
        now_ms=ledger.now_ms(),
    )


@blueprint.post("/dead/confirm")
def confirm() -> ResponseReturnValue:
    """Count what was chosen, and ask."""
    ledger = door().ledger
    ledger.refresh_sinks()
    verb = _verb()
    chosen = Chosen.read(request.form)
    if chosen is None:
        return render_template(
            "trouble.html", title="Nothing was chosen", text="Tick what is meant, then try again."
        ), 422
    # What dies after it was counted is not what is agreed to.
    until_ms = ledger.now_ms()
    what = Counter(letter.sink or FETCH for letter in chosen.letters(Letters(ledger), until_ms=until_ms))
    return render_template("confirm.html", verb=verb, said=_VERBS[verb], chosen=chosen, what=what, until_ms=until_ms)


@blueprint.post("/dead/mend")
def mend() -> ResponseReturnValue:
    """Do it: what `legwork dead retry` and `legwork dead drop` do."""
    ledger = door().ledger
    ledger.refresh_sinks()
    verb, chosen = _verb(), Chosen.read(request.form)
    until_ms = request.form.get("until_ms", type=float)
    if chosen is None or until_ms is None:
        abort(422, "Nothing was chosen.")
    found = chosen.letters(Letters(ledger), until_ms=until_ms)
    mending = Mending(ledger)
    done = mending.retry(found) if verb == "retry" else mending.drop(found)
    number = done.calls + done.deliveries
    return back_to(
        "console.dead.show", {"retry": "retried", "drop": "dropped"}[verb] if number else "unchanged", number
    )


def _verb() -> str:
    verb = request.form.get("do", "")
    if verb not in _VERBS:
        abort(422, "What is to be done is neither `retry` nor `drop`.")
    return verb


def _count(ledger: Ledger) -> int:
    states = ledger.sink_states()
    of_sinks = sum(sink_standing(ledger, name, states).dead for name in ledger.sinks)
    return of_sinks + sum(account_standing(ledger, sid).dead for sid in ledger.calls)

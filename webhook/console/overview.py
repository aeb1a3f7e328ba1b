"""`/`: the overview: whether calls flow, problems, accounts, sinks, recent failures. It reads the same as `legwork status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flask import Blueprint, render_template, url_for

from webhook.console.charts import HOUR, chosen_range, flow
from webhook.context.services import services
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.diagnosis import find_problems
from webhook.operations.masking import Shown
from webhook.operations.problem import Severity
from webhook.operations.setup import read_progress
from webhook.operations.status import read_status
from worker.ledger.meters import ALL, DELIVERED, RECEIVED
from worker.ledger.queries.activity import read_activity
from worker.ledger.queries.listing import page_of_calls
from worker.ledger.queries.recent import recent_dead_letters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flask.typing import ResponseReturnValue

    from webhook.operations.problem import Problem
    from worker.ledger.queries.activity import Activity

blueprint = Blueprint("overview", __name__)

# How many fit on a screen below the figures.
_LATELY = 8
_FAILED = 5
# "Now" means the last five minutes.
_MINUTES_OF_NOW = 5
# An error of these stops everything.
_ALL_OF_IT = frozenset({"workers", "redis"})


class Answer(NamedTuple):
    """The status: a word with a colour, and a sentence."""

    words: str
    colour: str
    text: str


@blueprint.get("/")
def overview() -> ResponseReturnValue:
    """Show the overview."""
    ledger = services().ledger
    ledger.refresh_sinks()
    found, span = read_status(ledger), chosen_range()
    (hour,) = read_activity(ledger, [ALL], HOUR)
    accounts = [totals for _, totals in found.accounts]
    problems = find_problems(found)
    return render_template(
        "overview.html",
        now_ms=ledger.now_ms(),
        answer=_answer(problems, hour),
        problems=[(problem, _page_about(problem)) for problem in problems],
        totals=found.totals(),
        # Only while nothing has come: who runs it without a password, say, has decided so.
        setup=None if found.totals()["received"] else read_progress(ledger),
        oldest_seconds=max(account.oldest_waiting_seconds for account in accounts),
        eta_seconds=_latest(account.eta_seconds for account in accounts),
        accounts=accounts,
        sinks=found.sinks,
        span=span,
        flow=flow(ledger, span),
        calls=page_of_calls(ledger, limit=_LATELY).calls,
        shown=Shown(ledger.settings, list(ledger.sinks.values()), numbers=False),
        failed=recent_dead_letters(ledger, limit=_FAILED),
        letters=DeadLetters(ledger),
        workers=found.workers,
    )


def _latest(etas: Iterable[float | None]) -> float | None:
    """Return when the last backlog is done; None if nobody knows of one."""
    known = list(etas)
    return None if None in known else max(eta for eta in known if eta is not None)


def _answer(problems: Sequence[Problem], hour: Activity) -> Answer:
    now = hour.steps[-_MINUTES_OF_NOW:]
    came, went = (sum(minute.counts[over.in_all] for minute in now) for over in (RECEIVED, DELIVERED))
    text = f"Last five minutes: {came:,} received, {went:,} delivered."
    wrong = {problem.about for problem in problems if problem.severity is Severity.ERROR}
    if wrong:
        return Answer("Down" if wrong & _ALL_OF_IT else "Degraded", "bad", text)
    if any(problem.about != "dead" for problem in problems):
        return Answer("Delayed", "wait", text)
    if not hour.total(RECEIVED.in_all):
        return Answer("Idle", "quiet", "No call in the last hour.")
    return Answer("Operational", "good", text)


def _page_about(problem: Problem) -> str | None:
    """Return the URL of the page about a problem, if there is one."""
    what, _, name = problem.about.partition(" ")
    match what:
        case "account":
            return url_for("console.accounts.show")
        case "sink":
            return url_for("console.sinks.show_one", name=name)
        case "dead":
            return url_for("console.dead.show")
    return None

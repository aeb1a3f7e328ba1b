"""The charts of activity over time: each is a table, which a script draws as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, request

from webhook.operations.times import took
from worker.ledger.meters import ALL, DELIVERED, FAILED, FETCHED, RECEIVED, series_name
from worker.ledger.queries.activity import RANGES, attempts_in, read_activity

if TYPE_CHECKING:
    from schemas.settings import Account
    from worker.ledger import Ledger
    from worker.ledger.queries.activity import Activity, Attempts, Range, Step

# A time in milliseconds, and a value per column; None where there is none.
Row = tuple[float, tuple[float | None, ...]]

HOUR = RANGES["hour"]
_STEPS = {"hour": "a minute", "day": "a quarter of an hour", "week": "an hour"}
# The percentiles that are charted.
_SHARES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Chart:
    """One line per column, all in one unit. The present step is left out: an incomplete one would look like a drop."""

    id: str
    title: str
    #: A summary in words, for screen readers, which also have the table.
    caption: str
    columns: tuple[str, ...]
    rows: list[Row]
    #: The minimum of the scale's upper end.
    least: float = 5


def chosen_range() -> Range:
    """Return the range that the page's URL names, the last hour by default. Answers 400 to a word that is no range."""
    word = request.args.get("range", HOUR.word)
    if word not in RANGES:
        abort(400, f"“{word}” is no range: choose one of {', '.join(RANGES)}.")
    return RANGES[word]


def flow(ledger: Ledger, span: Range) -> list[Chart]:
    """Chart calls received, requests to Exotel, and deliveries that succeeded and failed, each by itself."""
    (found,) = read_activity(ledger, [ALL], span)
    return [
        _chart("received", "Calls received", span, found, {"calls": RECEIVED.in_all}),
        _chart("fetched", "Requests to Exotel", span, found, {"requests": FETCHED.in_all}),
        _chart("sent", "Deliveries", span, found, {"delivered": DELIVERED.in_all, "failed": FAILED.in_all}),
    ]


def quota(ledger: Ledger, account: Account, span: Range) -> Chart:
    """Chart an account's requests per step next to what its quota allows."""
    (found,) = read_activity(ledger, [series_name("account", account.sid)], span)
    limit = round(account.quota * span.step_minutes * 60 / account.quota_seconds)
    rows: list[Row] = [(step.at * 1000, (step.counts[FETCHED.column], limit)) for step in found.whole]
    spent = found.total(FETCHED.column)
    caption = f"Last {span.word}: {spent:,} requests. The quota allows {limit:,} in {_STEPS[span.word]}."
    return Chart(f"quota-{account.sid}", "Requests to Exotel", caption, ("requests", "quota"), rows)


def attempts(ledger: Ledger, sink: str, span: Range) -> list[Chart]:
    """Chart a sink's attempts by outcome, and how long they take."""
    (found,) = read_activity(ledger, [series_name("sink", sink)], span)
    total, columns = attempts_in(found.steps), {"delivered": DELIVERED.column, "failed": FAILED.column}
    half, most = (total.quantile_seconds(share) for share in _SHARES)
    words = "none" if half is None or most is None else f"half within {took(half)}, 95 % within {took(most)}"
    return [
        _chart(f"attempts-{sink}", "Attempts", span, found, columns),
        Chart(
            f"latency-{sink}",
            "Duration of an attempt, in ms",
            f"Last {span.word}: {words}.",
            ("p50", "p95"),
            [(step.at * 1000, _quantiles_ms(step)) for step in found.whole],
            least=50,
        ),
    ]


def attempts_by_range(ledger: Ledger, sink: str) -> dict[str, Attempts]:
    """Return a sink's attempts of the last hour, day and week, by the range's word."""
    return {
        span.word: attempts_in(found.steps)
        for span in RANGES.values()
        for found in read_activity(ledger, [series_name("sink", sink)], span)
    }


def attempts_of_sinks(ledger: Ledger, sinks: list[str]) -> dict[str, Attempts]:
    """Return the attempts of the last hour of each sink."""
    found = read_activity(ledger, [series_name("sink", sink) for sink in sinks], HOUR)
    return {sink: attempts_in(activity.steps) for sink, activity in zip(sinks, found, strict=True)}


def _chart(name: str, title: str, span: Range, found: Activity, columns: dict[str, int]) -> Chart:
    rows: list[Row] = [
        (step.at * 1000, tuple(step.counts[place] for place in columns.values())) for step in found.whole
    ]
    words = ", ".join(f"{found.total(place):,} {column}" for column, place in columns.items())
    return Chart(name, title, f"Last {span.word}: {words}.", tuple(columns), rows)


def _quantiles_ms(step: Step) -> tuple[float | None, ...]:
    made = attempts_in([step])
    found = (made.quantile_seconds(share) for share in _SHARES)
    return tuple(None if seconds is None else round(seconds * 1000, 1) for seconds in found)

"""`/reports`: four reports about the ledger's calls, each with a tab."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for

from webhook.console.filters import clock
from webhook.console.gate import sessions
from webhook.console.hours_chart import BOTTOM, HEIGHT, TOP, hours_chart
from webhook.console.report_range import PRESETS, Range, in_a_form, range_of
from webhook.console.url_query import check_choice
from webhook.console.zone import viewer_zone
from webhook.context.services import services
from webhook.operations.reports.kinds import COLUMNS, make_report
from webhook.operations.reports.output import csv_lines, party
from webhook.operations.reports.remarks import left_out, reaches_back_to_ms
from worker.ledger.queries.filters import CallFilter
from worker.ledger.queries.newest_records import NewestRecords

if TYPE_CHECKING:
    from datetime import tzinfo

    from flask.typing import ResponseReturnValue

    from webhook.operations.reports.report import Report

blueprint = Blueprint("reports", __name__)
log = structlog.get_logger(__name__)

# Read for one page: some seconds in one web process. The CSV, like the export of calls, has no limit.
MOST_CALLS = 100_000
# Rows on one page; the CSV has all.
MOST_ROWS = 200
_IN_URL = ("range", "since", "until", "account")


@blueprint.get("/reports")
def first() -> ResponseReturnValue:
    """Lead to the first report."""
    return redirect(url_for("console.reports.show", name=next(iter(COLUMNS))), 303)


@blueprint.get("/reports/<name>")
def show(name: str) -> ResponseReturnValue:
    """Show a report of the calls that the URL chooses, numbers masked."""
    return _page(name, numbers=False)


@blueprint.post("/reports/<name>/numbers")
def show_numbers(name: str) -> ResponseReturnValue:
    """Show it with its numbers in full, for this request only; it is logged."""
    log.info("console.numbers_shown", page=f"reports/{_known(name)}", address=request.remote_addr)
    return _page(name, numbers=True)


@blueprint.get("/reports/<name>.csv")
def export(name: str) -> ResponseReturnValue:
    """Return a report as CSV, numbers masked."""
    return _csv(name, numbers=False)


@blueprint.post("/reports/<name>.csv")
def export_numbers(name: str) -> ResponseReturnValue:
    """Return it with its numbers in full; it is logged."""
    log.info("console.numbers_shown", page=f"reports/{_known(name)}.csv", address=request.remote_addr)
    return _csv(name, numbers=True)


class _Chosen(NamedTuple):
    """What the URL chooses."""

    #: As given, without what is not.
    given: dict[str, str]
    span: Range
    wanted: CallFilter


def _chosen(name: str) -> _Chosen:
    """Read the URL. Ends the request with a page that says what is wrong with it."""
    ledger = services().ledger
    given = {key: request.args[key] for key in _IN_URL if request.args.get(key)}
    account = given.get("account", "")
    try:
        check_choice("account", account, ledger.calls)
        span = range_of(given, viewer_zone())
    except ValueError as error:
        back = (url_for("console.reports.show", name=name), "To today's report")
        page = render_template("message.html", title="This report cannot be shown", text=str(error), back=back)
        abort(make_response(page, 400))
    wanted = CallFilter(accounts=[account] if account else None, since_ms=span.since_ms, until_ms=span.until_ms)
    return _Chosen(given, span, wanted)


def _page(name: str, *, numbers: bool) -> ResponseReturnValue:
    ledger, (given, span, wanted) = services().ledger, _chosen(_known(name))
    zones = {str(_zone_of(sid)) for sid in wanted.accounts or ledger.calls}
    calls = NewestRecords(ledger, wanted, most=MOST_CALLS)
    report = make_report(name, calls, _zone_of)
    first_ms = None if span.preset == "all" else reaches_back_to_ms(ledger, wanted)
    return render_template(
        "reports.html",
        name=name,
        names=list(COLUMNS),
        columns=COLUMNS[name],
        report=report,
        rows=_rows(report, numbers=numbers),
        drawing=hours_chart(report.rows) if name == "hours" and report.calls else None,
        chart_height=HEIGHT,
        chart_top=TOP,
        chart_bottom=BOTTOM,
        remarks=left_out(name, report, without_record=calls.without),
        first_ms=first_ms,
        stopped_ms=calls.stopped_ms,
        most_calls=MOST_CALLS,
        most_rows=MOST_ROWS,
        days=ledger.settings.retention_days,
        chosen=given,
        # What tabs, presets and downloads have in common.
        account={"account": given["account"]} if "account" in given else {},
        accounts=list(ledger.calls),
        presets=PRESETS,
        span=span,
        since=in_a_form(span.since_ms, viewer_zone()),
        until=in_a_form(span.until_ms, viewer_zone()),
        # Hours of the day are those of the account, whatever zone the viewer has chosen.
        hours_zone=next(iter(zones)) if len(zones) == 1 else None,
        numbers=numbers,
    )


def _rows(report: Report, *, numbers: bool) -> list[dict[str, Any]]:
    """Return the first rows as they are shown: numbers as links to their calls, times in the viewer's zone."""
    rows, sealing = [], sessions()
    for row in report.rows[:MOST_ROWS]:
        shown = dict(row)
        for key in row.keys() & {"agent", "customer"}:
            # Encrypted, as any search is in a URL.
            shown["calls_url"] = url_for("console.calls.browse", search=sealing.seal(row[key]))
            shown[key] = party(row[key], numbers=numbers)
        if "last_missed_at" in row:
            shown["last_missed_at"] = clock(datetime.fromisoformat(row["last_missed_at"]).timestamp() * 1000)
        rows.append(shown)
    return rows


def _csv(name: str, *, numbers: bool) -> ResponseReturnValue:
    chosen = _chosen(_known(name))
    report = make_report(name, NewestRecords(services().ledger, chosen.wanted), _zone_of)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    lines = "".join(csv_lines(name, report, numbers=numbers))
    return Response(lines, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _zone_of(account_sid: str) -> tzinfo:
    return services().ledger.account(account_sid).timezone


def _known(name: str) -> str:
    if name not in COLUMNS:
        abort(404, f"There is no such report. Reports: {', '.join(COLUMNS)}.")
    return name

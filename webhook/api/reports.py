"""`/api/reports`: reports about calls, like `legwork report`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from flask import Response, abort

from webhook.api.blueprints import asked_by, check_known, make_blueprint
from webhook.api.shapes.reports import AgentRow, CallerRow, HourRow, MissedRow, WhichReport
from webhook.context.services import services
from webhook.operations.reports.kinds import COLUMNS, make_report
from webhook.operations.reports.output import csv_lines, documents
from webhook.operations.times import in_ms
from worker.ledger.queries.filters import CallFilter
from worker.ledger.queries.newest_records import NewestRecords

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webhook.operations.reports.report import Report

blueprint = make_blueprint("reports", "Reports about calls.")
log = structlog.get_logger(__name__)


@blueprint.get("/agents")
@blueprint.doc(operationId="report_agents")
@blueprint.arguments(WhichReport(), location="query")
@blueprint.response(200, AgentRow(many=True))
@blueprint.alt_response(404, description="There is no such account.")
def agents(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Report on agents.

    How often each was tried and answered, and how long they talked; who answered most comes first.
    """
    return _rows("agents", given)


@blueprint.get("/missed")
@blueprint.doc(operationId="report_missed")
@blueprint.arguments(WhichReport(), location="query")
@blueprint.response(200, MissedRow(many=True))
@blueprint.alt_response(404, description="There is no such account.")
def missed(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Report on missed calls.

    By customer: first those to whom nobody has spoken since, the latest first.
    """
    return _rows("missed", given)


@blueprint.get("/hours")
@blueprint.doc(operationId="report_hours")
@blueprint.arguments(WhichReport(), location="query")
@blueprint.response(200, HourRow(many=True))
@blueprint.alt_response(404, description="There is no such account.")
def hours(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Report on hours.

    Inbound calls by hour of the day in the account's time zone, and how long callers waited: always 24 rows.
    """
    return _rows("hours", given)


@blueprint.get("/callers")
@blueprint.doc(operationId="report_callers")
@blueprint.arguments(WhichReport(), location="query")
@blueprint.response(200, CallerRow(many=True))
@blueprint.alt_response(404, description="There is no such account.")
def callers(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Report on callers.

    How often each called, was answered, was missed; who called most comes first.
    """
    return _rows("callers", given)


@blueprint.get("/<report>.csv")
@blueprint.doc(operationId="export_report")
@blueprint.arguments(WhichReport(), location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/csv", description="One line for each row.")
@blueprint.alt_response(404, description="There is no such report, or no such account.")
def export(given: dict[str, Any], report: str) -> Response:
    """Export a report as CSV.

    The first line names the columns, which are the keys of the report's rows.
    """
    if report not in COLUMNS:
        abort(404, f"There is no such report. Reports: {', '.join(COLUMNS)}.")
    lines = "".join(csv_lines(report, _report(report, given), numbers=given["numbers"]))
    headers = {"Content-Disposition": f'attachment; filename="{report}.csv"'}
    return Response(lines, content_type="text/csv; charset=utf-8; header=present", headers=headers)


def _rows(name: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    return documents(_report(name, given), numbers=given["numbers"])


def _report(name: str, given: Mapping[str, Any]) -> Report:
    ledger, account = services().ledger, given.get("account")
    check_known(account)
    if given["numbers"]:
        log.info("api.numbers_shown", report=name, **asked_by())
    wanted = CallFilter(
        accounts=None if account is None else [account],
        since_ms=in_ms(given["since"]) if "since" in given else None,
        until_ms=in_ms(given["until"]) if "until" in given else None,
    )
    return make_report(name, NewestRecords(ledger, wanted), lambda sid: ledger.account(sid).timezone)

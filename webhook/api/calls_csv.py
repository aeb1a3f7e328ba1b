"""`/api/calls.csv`: calls as CSV, like `legwork calls export`."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response

from webhook.api.blueprints import asked_by, make_blueprint
from webhook.api.call_filters import which_calls
from webhook.api.shapes.calls import CallFilterShape
from webhook.context.services import services
from webhook.operations.call_export import csv_lines
from webhook.operations.masking import Shown
from worker.ledger.queries.listing import all_calls

blueprint = make_blueprint("calls_csv", "Calls as CSV.", path="calls.csv")
log = structlog.get_logger(__name__)


@blueprint.get("")
@blueprint.doc(operationId="export_calls")
@blueprint.arguments(CallFilterShape(), location="query")
@blueprint.response(
    200, {"type": "string"}, content_type="text/csv", description="One line for each call, newest first."
)
@blueprint.alt_response(404, description="There is no such account, or no such sink.")
def export_calls(given: dict[str, Any]) -> Response:
    """Export calls as CSV.

    All that match, newest first, in one response. The first line names the columns; times are in UTC. A text that a
    spreadsheet would take for a formula has an apostrophe before it.
    """
    ledger = services().ledger
    wanted = which_calls(given)
    ledger.refresh_sinks()
    if given["numbers"]:
        log.info("api.numbers_shown", export="calls", **asked_by())
    shown = Shown(ledger.settings, list(ledger.sinks.values()), numbers=given["numbers"])
    lines = "".join(csv_lines(all_calls(ledger, wanted), shown))
    return Response(
        lines,
        content_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="calls.csv"'},
    )

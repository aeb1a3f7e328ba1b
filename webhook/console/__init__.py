"""The console: server-rendered pages for operators, one module per page."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import redis
import structlog
from flask import Blueprint, g, render_template, request
from werkzeug.exceptions import HTTPException

from webhook.console.accounts import blueprint as accounts_pages
from webhook.console.call import blueprint as call_pages
from webhook.console.calls import blueprint as calls_pages
from webhook.console.dead import blueprint as dead_pages
from webhook.console.deliveries import blueprint as deliveries_pages
from webhook.console.filters import FILTERS
from webhook.console.flash import Flash, flashed_message
from webhook.console.gate import form_token, guard, keep_cookie, recognise, visit
from webhook.console.importing import blueprint as import_pages
from webhook.console.overview import blueprint as overview_pages
from webhook.console.reports import blueprint as reports_pages
from webhook.console.setup import blueprint as setup_pages
from webhook.console.signing_in import blueprint as signing_in_pages
from webhook.console.sink_edit import blueprint as sink_edit_pages
from webhook.console.sinks import blueprint as sinks_pages
from webhook.console.zone import blueprint as zone_pages
from webhook.console.zone import viewer_zone, zones_of_accounts
from webhook.context.services import services
from webhook.http.assets import asset, integrity
from webhook.http.problems import refusal
from webhook.operations.dead_letters import DeadLetters
from webhook.operations.diagnosis import LATE_SECONDS
from worker.ledger.queries.activity import RANGES

if TYPE_CHECKING:
    from flask import Response
    from flask.blueprints import BlueprintSetupState
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("console", __name__)
# After this many seconds a browser reloads a page that failed because the ledger was unreachable.
_AGAIN_SECONDS = "5"
# Where the alert rules' `runbook_url` leads, too.
DOCUMENTATION = "https://github.com/legwork/legwork/blob/main/docs/"
log = structlog.get_logger(__name__)

for _pages in (
    overview_pages,
    calls_pages,
    import_pages,
    call_pages,
    reports_pages,
    sinks_pages,
    sink_edit_pages,
    deliveries_pages,
    dead_pages,
    accounts_pages,
    setup_pages,
    zone_pages,
):
    guard(_pages)
    blueprint.register_blueprint(_pages)
blueprint.register_blueprint(signing_in_pages)


@blueprint.record_once
def _teach_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.filters |= FILTERS
    state.app.jinja_env.globals |= {
        "asset": asset,
        "integrity": integrity,
        "LATE_SECONDS": LATE_SECONDS,
        "RANGES": RANGES,
        "DOCUMENTATION": DOCUMENTATION,
        "version": version("legwork"),
    }
    state.app.jinja_env.trim_blocks = state.app.jinja_env.lstrip_blocks = True


@blueprint.app_context_processor
def _known_to_templates() -> dict[str, Any]:
    if "let_in" not in g:  # a page outside of the console, or one that refuses
        recognise()
    let_in = bool(g.let_in)
    return {
        "let_in": let_in,
        "can_sign_in": services().settings.console_password is not None,
        "signed_in": let_in and visit().signed_in,
        "form_token": form_token,
        "viewer_zone": viewer_zone,
        "zones_of_accounts": zones_of_accounts,
        "masked": _masked,
        "flashed_message": _flashed_message,
    }


def _flashed_message() -> Flash | None:
    """Return the message about the last change, for those who are let in."""
    return flashed_message() if g.let_in else None


def _masked(text: str) -> str:
    """Return a text from outside, such as a reason, without numbers and secrets."""
    return DeadLetters(services().ledger).fit(text)


@blueprint.after_request
def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return keep_cookie(answer)


@blueprint.errorhandler(HTTPException)
def _refused(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if not g.get("let_in"):
        return refusal(status)
    return render_template("message.html", title=error.name, text=error.description), status


@blueprint.errorhandler(redis.RedisError)
def _out_of_reach(error: redis.RedisError) -> ResponseReturnValue:
    log.error("ledger.unreachable", error=str(error))
    page = render_template("message.html", title="The ledger is out of reach", text=_OUT_OF_REACH)
    # A page reloads by itself; a form is never sent again without the user.
    return page, 503, {"Refresh": _AGAIN_SECONDS} if request.method == "GET" else {}


_OUT_OF_REACH = (
    "Redis does not answer, or refuses. Callbacks are answered with 503 until it is back, and Exotel sends them again; "
    "nothing that was accepted is lost. `legwork check` says more."
)

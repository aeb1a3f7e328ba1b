"""What all blueprints of the API share: access, checks of the request, the shape of errors, a log line for each change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import Response, abort, g, request
from flask_smorest import Blueprint

from webhook.api.bodies import only_json
from webhook.api.parameters import only_known
from webhook.context.services import services
from webhook.http.ledger_guard import only_in_our_ledger
from webhook.http.operators import only_for_programs, scope_of
from webhook.http.problems import problem
from webhook.operations.sinks import NoSuchSink, SinkOperations
from worker.errors import LegworkError
from worker.ledger.registry.subscribers import ChangedMeanwhile
from worker.ledger.registry.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

#: The meaning of 409 for operations on a sink.
UNUSABLE = "The sink was added, and no key in LEGWORK_SECRET_KEY decrypts it."


def make_blueprint(
    name: str,
    description: str,
    *,
    path: str | None = None,
    check_body: Callable[[], Response | None] = only_json,
) -> Blueprint:
    """Return a blueprint at `/api/<path>`, or at `/api/<name>`; `check_body` refuses bodies that its views do not take."""
    blueprint = Blueprint(name, f"webhook.api.{name}", url_prefix=f"/api/{path or name}", description=description)
    blueprint.before_request(only_for_programs)
    blueprint.before_request(only_known)
    blueprint.before_request(check_body)
    blueprint.before_request(only_in_our_ledger)
    blueprint.after_request(_note_change)
    blueprint.after_request(_private)
    blueprint.register_error_handler(NoSuchSink, _no_such_sink)
    blueprint.register_error_handler(ChangedMeanwhile, _changed_meanwhile)
    blueprint.register_error_handler(LegworkError, _not_possible)
    return blueprint


def check_known(account: str | None, sink: str | None = None) -> None:
    """Refuse an unknown account or sink (404). Raises NoSuchSink, Locked."""
    ledger = services().ledger
    if account not in {None, *ledger.calls}:
        abort(404, f"There is no such account. Known accounts: {', '.join(ledger.calls)}.")
    if sink is not None:
        SinkOperations(ledger).spec(sink)


def asked_by() -> dict[str, str | None]:
    """Return the client for the log: the name of its token, and its address."""
    return {"token": g.get("token_name"), "address": request.remote_addr}


def by_api() -> str:
    """Return who asks, for a call's history."""
    name = g.get("token_name")
    return f"the API token {name}" if name else "the API"


def _note_change(answer: Response) -> Response:
    rule = request.url_rule
    if rule is not None and answer.status_code < 400 and scope_of(request.method, rule.rule) is Scope.OPERATE:  # noqa: PLR2004  the refusals
        log.info("api.changed", operation=request.endpoint, **asked_by(), **(request.view_args or {}))
    return answer


def _private(answer: Response) -> Response:
    # It may hold numbers, or a secret that is shown only once.
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _no_such_sink(error: Exception) -> Response:
    return problem(404, str(error))


def _changed_meanwhile(error: Exception) -> Response:
    return problem(412, str(error))


def _not_possible(error: Exception) -> Response:
    return problem(409, str(error))

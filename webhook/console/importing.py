"""`/calls/import`: have calls fetched whose callbacks never came: a list, the price of it, then the fetch."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, render_template, request

from schemas.call_list import NoList, read_call_list
from webhook.console.flash import back_to
from webhook.context.services import services
from webhook.operations.importing import Import, the_account
from webhook.serving.bodies import limit_body

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from schemas.call_list import CallList

blueprint = Blueprint("importing", __name__)
log = structlog.get_logger(__name__)

_MOST_BYTES = 16 * 1024 * 1024


@blueprint.before_request
def _take_long_lists() -> None:
    # Before the guard reads the form's token; who may not come in is refused before anything is read.
    limit_body(request, _MOST_BYTES)
    request.max_form_memory_size = _MOST_BYTES


@blueprint.get("/calls/import")
def show() -> ResponseReturnValue:
    """Show the form."""
    return _form()


@blueprint.post("/calls/import")
def look() -> ResponseReturnValue:
    """Show what an import of the list would do and cost; it changes nothing."""
    try:
        given = Import(services().ledger, the_account(services().ledger, request.form.get("account")), _list())
    except ValueError as error:  # a NoList too
        return _form(str(error)), 400
    for _ in given.look():
        pass
    return render_template("import_confirm.html", given=given, told=given.as_document())


@blueprint.post("/calls/import/queue")
def queue() -> ResponseReturnValue:
    """Queue the calls of a list that was looked at."""
    ledger = services().ledger
    try:
        given = Import(ledger, the_account(ledger, request.form.get("account")), _list())
    except ValueError as error:
        return _form(str(error)), 400
    for _ in given.look():
        pass
    for _ in given.queue():
        pass
    return back_to("console.calls.browse", "imported", given.queued)


def _list() -> CallList:
    """Return the list of the form: the file, or else the text. Raises NoList."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return read_call_list(file.stream)  # type: ignore[arg-type]  # werkzeug's stream is a binary file
    text = request.form.get("call_sids", "")
    if not text.strip():
        raise NoList("give CallSids, one a line, or a file")
    return read_call_list(io.BytesIO(text.encode(errors="replace")))


def _form(problem: str | None = None) -> str:
    return render_template(
        "import.html",
        accounts=list(services().ledger.calls),
        account=request.form.get("account", ""),
        call_sids=request.form.get("call_sids", ""),
        problem=problem and f"{problem[0].upper()}{problem[1:]}.",
    )

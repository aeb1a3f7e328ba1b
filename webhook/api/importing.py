"""`/api/import`: have calls fetched whose callbacks never came, like `legwork import`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import ValidationError

from schemas.call_list import NoList, list_of, read_call_list
from webhook.api.blueprints import make_blueprint
from webhook.api.bodies import only_json
from webhook.api.shapes.importing import CallsToImport, HowToImport, Imported
from webhook.context.services import services
from webhook.http.problems import problem
from webhook.operations.importing import Import, the_account
from webhook.serving.bodies import limit_body

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

    from schemas.call_list import CallList

_CSV = "text/csv"
# 100,000 CallSids as JSON are 3.6 MB; a CSV has other columns too.
_MOST_BYTES = 16 * 1024 * 1024
_EXAMPLE = {"call_sids": ["3f9a1c7e5b2d4806a9c1e3f5b7d91a9g"], "dry_run": True}
_WRONG = "The calls cannot be imported."


def _json_or_csv() -> Response | None:
    limit_body(request, _MOST_BYTES)
    return None if request.mimetype == _CSV else only_json()


blueprint = make_blueprint("import", "Import of calls.", check_body=_json_or_csv)


@blueprint.post("")
@blueprint.doc(
    operationId="import_calls",
    # `text/csv` is in the description alone: generators of clients refuse an operation with a type that they do not know.
    requestBody={
        "required": True,
        "content": {"application/json": {"schema": CallsToImport, "example": _EXAMPLE}},
    },
)
@blueprint.arguments(HowToImport(), location="query")
@blueprint.response(200, Imported())
def import_calls(how: dict[str, Any]) -> ResponseReturnValue:
    """Import calls.

    Those that the ledger does not know are fetched, behind live calls. It is safe to repeat: known calls are left as they are.
    A body of `text/csv` is taken too: CallSids one a line, or a column CallSid, Sid or call_sid; then `account` and `dry_run`
    are in the query.
    """
    ledger = services().ledger
    try:
        calls, account, dry_run = _given(how)
    except NoList as error:
        return problem(422, _WRONG, errors={"call_sids": [str(error)]})
    except ValidationError as error:
        return problem(422, _WRONG, errors=error.messages_dict)
    try:
        given = Import(ledger, the_account(ledger, account), calls)
    except ValueError as error:
        return problem(422, _WRONG, errors={"account": [str(error)]})
    for _ in given.look():
        pass
    if not dry_run:
        for _ in given.queue():
            pass
    return given.as_document()


def _given(how: dict[str, Any]) -> tuple[CallList, str | None, bool]:
    """Return the list, the account and whether it is a dry run. Raises NoList, ValidationError."""
    if request.mimetype == _CSV:
        return read_call_list(io.BytesIO(request.get_data())), how.get("account"), how["dry_run"]
    document = CallsToImport().load(request.get_json() if request.get_data() else {})
    return (
        list_of(document["call_sids"]),
        document["account"] or how.get("account"),
        document["dry_run"] or how["dry_run"],
    )

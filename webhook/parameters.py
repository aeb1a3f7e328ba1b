"""What a request holds, in whatever dialect: query, form, JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Request

# Every way to name a call; a POST with none of them in its query, and an empty body, is an interim ping.
_CALL_NAMES = frozenset({"callsid", "callsids", "call.sid", "call[sid]"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request as pairs in order of arrival, and its JSON document, decoded, if it has one."""

    pairs: list[tuple[str, str]]
    document: Any
    is_ping: bool


def read(request: Request) -> Parameters:
    """Read the query and the body. Raises werkzeug's RequestEntityTooLarge past the limits.

    A body that claims to be JSON and is not does not cost a callback whose CallSid is in the query: it is kept as text.
    """
    query = list(request.args.items(multi=True))
    form = list(request.form.items(multi=True))
    # What is no form is left in the stream; form fields with a file name are none of ours, but kept by name.
    form += [(name, upload.filename or "") for name, upload in request.files.items(multi=True)]
    body = b"" if form else request.get_data()
    document = _document(body)
    is_ping = (
        request.method == "POST"
        and not form
        and not body.strip()
        and not any(name.lower().replace("_", "") in _CALL_NAMES for name, _ in query)
    )
    return Parameters(query + form, document, is_ping)


def _document(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return {"body": body.decode("utf-8", "replace")}

"""One shape for every error: problem details (RFC 9457), and for a browser a page that says the same."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import redis
import structlog
from flask import Flask, Response, json, make_response, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger(__name__)


def problem(
    status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return an `application/problem+json` answer; `more` are members of our own, `errors` by field for instance."""
    document = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail is not None:
        document["detail"] = detail
    return Response(
        json.dumps({**document, **more}),
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


def refusal(
    status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem, or to a browser a page: whichever is accepted more (RFC 9110, 12.5.1). The API is for programs.

    The page has the console's menu for those who may see the console, and tells nobody else of it.
    """
    if _is_for_people():
        told = detail or _IN_WORDS.get(status, "")
        page = render_template("refused.html", status=status, title=HTTPStatus(status).phrase, detail=told)
        answer = make_response(page, status, headers or {})
        answer.headers["Cache-Control"] = "no-store"  # it is another one for whoever signs in
    else:
        answer = problem(status, detail, headers=headers, **more)
    answer.vary.add("Accept")
    return answer


# What a page says where there is nothing else to say.
_IN_WORDS = {404: "There is nothing at this address.", 405: "This address is not asked for in this way."}


def _is_for_people() -> bool:
    kinds = ("application/problem+json", "application/json", "text/html")
    return not request.path.startswith("/api/") and request.accept_mimetypes.best_match(kinds) == "text/html"


def install(app: Flask) -> None:
    """Let every error of the app answer so. A wrong token and an unknown URL answer alike."""

    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> Response:
        status = error.code or 500
        # What a server adds to say more is kept: `Allow` of a 405, `Retry-After`.
        kept = {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Location"}}
        if status // 100 == 3:  # noqa: PLR2004  the class of redirects
            # Nothing here ever redirects; should a library want to, it is a URL we do not have.
            return refusal(404)
        detail = (
            f"The body is larger than {(request.max_content_length or 0) // 1024} KiB, or has too many parts."
            if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            else None
        )
        if isinstance(error.description, str) and error.description != type(error).description:
            detail = error.description
        found = _by_field(getattr(error, "data", None) or {})
        return refusal(status, detail, headers=kept, **({"errors": found} if found else {}))

    @app.errorhandler(ValidationError)
    def _invalid(error: ValidationError) -> Response:
        fields = error.normalized_messages()  # type: ignore[no-untyped-call]
        return problem(422, "Some of this cannot be used.", errors=fields)

    @app.errorhandler(redis.RedisError)
    def _out_of_reach(error: redis.RedisError) -> Response:
        log.error("ledger.unreachable", error=str(error))
        return refusal(503, "The ledger is out of reach.", headers={"Retry-After": "5"})

    @app.errorhandler(Exception)
    def _crashed(error: Exception) -> Response:
        log.error("request.crashed", exc_info=error)
        return refusal(500, "This is a bug of ours, and logged.")


def _by_field(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what webargs found wrong (https://webargs.readthedocs.io), without saying where it looked for it."""
    messages = data.get("messages", {})
    # Of a body as a whole it says a list of texts.
    return {field: texts for where in messages.values() if isinstance(where, dict) for field, texts in where.items()}

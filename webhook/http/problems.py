"""One shape for every error: problem details (RFC 9457), or for a browser a page with the same text."""

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
    """Return an `application/problem+json` answer; `more` are extension members, such as `errors` by field."""
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
    """Return a problem, or a page where the client prefers HTML (RFC 9110, 12.5.1); the API always returns a problem.

    The page has the console's menu for those who may see the console, and does not mention it to others.
    """
    if _is_for_people():
        text = detail or _IN_WORDS.get(status, "")
        page = render_template("refused.html", status=status, title=HTTPStatus(status).phrase, detail=text)
        answer = make_response(page, status, headers or {})
        answer.headers["Cache-Control"] = "no-store"  # it is another one for whoever signs in
    else:
        answer = problem(status, detail, headers=headers, **more)
    answer.vary.add("Accept")
    return answer


# The text of a page when there is no detail.
_IN_WORDS = {404: "There is nothing at this address.", 405: "This address does not support this method."}


def _is_for_people() -> bool:
    kinds = ("application/problem+json", "application/json", "text/html")
    return not request.path.startswith("/api/") and request.accept_mimetypes.best_match(kinds) == "text/html"


def install(app: Flask) -> None:
    """Answer every error of the app in this shape. A wrong token and an unknown URL get the same answer."""

    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> Response:
        status = error.code or 500
        # Headers that belong to the error are kept: `Allow` of a 405, `Retry-After`.
        kept = {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Location"}}
        if status // 100 == 3:  # noqa: PLR2004  the class of redirects
            # Nothing here redirects; if a library does, the URL does not exist.
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
        return problem(422, "Some fields are invalid.", errors=fields)

    @app.errorhandler(redis.RedisError)
    def _out_of_reach(error: redis.RedisError) -> Response:
        log.error("ledger.unreachable", error=str(error))
        return refusal(503, "The ledger is out of reach.", headers={"Retry-After": "5"})

    @app.errorhandler(Exception)
    def _crashed(error: Exception) -> Response:
        log.error("request.crashed", exc_info=error)
        return refusal(500, "This is a bug in Legwork; it was logged.")


def _by_field(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return webargs' messages by field (https://webargs.readthedocs.io), without the location that it adds."""
    messages = data.get("messages", {})
    # For a body as a whole the messages are a list of texts.
    return {field: texts for where in messages.values() if isinstance(where, dict) for field, texts in where.items()}

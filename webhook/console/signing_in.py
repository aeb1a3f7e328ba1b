"""`/sign-in` and `/sign-out`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
import structlog
from flask import Blueprint, abort, make_response, redirect, request

from webhook.console.gate import is_secure, local_path, only_our_forms, sessions, sign_in_page, visit
from webhook.console.session import Sessions, set_cookie
from webhook.context.services import services
from webhook.serving.bodies import limit_body
from worker.ledger.registry.revoked_sessions import RevokedSessions

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("signing_in", __name__)
log = structlog.get_logger(__name__)

# Enough for a password, a token and the path of a page. Anyone may send this much, so the limit is tight.
MAX_FORM_BYTES = 16 * 1024


@blueprint.before_request
def only_with_a_password() -> None:
    """Answer 404 without CONSOLE_PASSWORD, and limit the size of the form."""
    if services().settings.console_password is None:
        abort(404)
    limit_body(request, MAX_FORM_BYTES)


@blueprint.get("/sign-in")
def page() -> ResponseReturnValue:
    """Ask for the password."""
    if visit().signed_in:
        return redirect("/", 303)
    return sign_in_page(200)


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Start a session if the password is right."""
    if (refused := only_our_forms()) is not None:
        return refused
    password = services().settings.console_password or ""
    tried = services().login_throttle.try_password(
        request.form.get("password", ""), password, request.remote_addr or ""
    )
    if tried.wait_seconds:
        answer = sign_in_page(429, f"Too many wrong passwords. Wait {_minutes(tried.wait_seconds)}, then try again.")
        answer.headers["Retry-After"] = f"{tried.wait_seconds:.0f}"
        return answer
    if not tried.right:
        return sign_in_page(403, "That is not the password.")
    # A new name: a cookie that somebody else planted in this browser must not become a session (session fixation).
    begun = Sessions.begin(signed_in=True)
    log.info("console.signed_in", address=request.remote_addr)
    return _lead_to(local_path(request.form.get("wanted", "/")), sessions().write(begun))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session for every copy of its cookie."""
    if (refused := only_our_forms()) is not None:
        return refused
    ended = visit()
    try:
        RevokedSessions(services().ledger.client).end(ended.name, ended.seconds_left)
    except redis.RedisError as error:
        log.warning("console.sign_out_not_noted", error=str(error))
    return _lead_to("/sign-in", "", seconds=0)


def _lead_to(path: str, cookie: str, **seconds: int) -> ResponseReturnValue:
    answer = make_response(redirect(path, 303))
    set_cookie(answer, cookie, secure=is_secure(), **seconds)
    return answer


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"

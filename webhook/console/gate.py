"""Guards the console's pages: admits a session, Basic authentication or, without a password, this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from flask import Blueprint, Response, g, make_response, render_template, request
from werkzeug.exceptions import NotFound

from webhook.console.session import Sessions, Visit, cookie_name, set_cookie
from webhook.context.services import services
from webhook.http.ledger_guard import only_in_our_ledger
from webhook.http.operators import (
    changes_something,
    comes_from_another_site,
    is_loopback_host,
    only_for_operators,
    sits_here,
)
from webhook.http.problems import problem, refusal
from worker.ledger.registry.revoked_sessions import RevokedSessions

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def guard(blueprint: Blueprint) -> None:
    """Admit only operators to a blueprint's pages; allow changes only from our own forms, and only in our own ledger."""
    blueprint.before_request(_let_in)
    blueprint.before_request(only_our_forms)
    blueprint.before_request(only_in_our_ledger)


def sessions() -> Sessions:
    """Return the reader and writer of this app's cookies."""
    return Sessions(services().settings)


def visit() -> Visit:
    """Return the visit that this request belongs to; begin one if there is none."""
    if "visit" not in g:
        known = _known()
        g.visit, g.is_new = known or Sessions.begin(signed_in=False), known is None
    found: Visit = g.visit
    return found


def form_token() -> str:
    """Return the value of every form's hidden token field."""
    return sessions().token(visit())


def keep_cookie(response: Response) -> Response:
    """Set the cookie that the tokens of the shown forms belong to."""
    if g.get("is_new"):
        set_cookie(response, sessions().write(g.visit), secure=is_secure())
    return response


def is_secure() -> bool:
    """Is the cookie `Secure`? Yes, except on loopback, even over plain HTTP: a proxy in front may terminate TLS."""
    return request.is_secure or not is_loopback_host()


def only_our_forms() -> ResponseReturnValue | None:
    """Refuse a change that does not come from one of this visit's forms."""
    if not changes_something():
        return None
    if comes_from_another_site():
        return problem(403, "Requests from another site's page may not change anything.")
    if sessions().is_token(visit(), request.form.get("token", "")):
        return None
    return render_template("message.html", title="Once more, please", text=_OLD_FORM), 403


# https://datatracker.ietf.org/doc/html/draft-broyer-http-cookie-auth-00
_BY_FORM = 'Cookie realm="Legwork", form-action="/sign-in", cookie-name="{}"'
_OLD_FORM = (
    "This form was too old, or its cookie was gone: nothing was changed. Go back, load the page again and repeat."
)


def _let_in() -> ResponseReturnValue | None:
    if services().settings.console_password is not None:
        known = _known()
        if known is not None and known.signed_in:
            g.visit, g.let_in = known, True
            return None
    try:
        refused = only_for_operators()
    except NotFound:
        return refusal(404)  # the same as for any unknown URL, so that the console does not show that it exists
    if refused is None:
        g.let_in = True
        return None
    if refused.status_code == 401 and "text/html" in request.headers.get("Accept", ""):  # noqa: PLR2004
        page = sign_in_page(401)
        # A 401 must name a scheme (RFC 9110, 15.5.2). For `Basic` a browser would open its own dialogue over the page.
        page.headers["WWW-Authenticate"] = _BY_FORM.format(cookie_name(secure=is_secure()))
        return page
    return refused


def recognise() -> None:
    """On a public page: recognise operators, so that they get the navigation."""
    if services().settings.console_password is None:
        g.let_in = sits_here()
        return
    known = _known()
    g.let_in = known is not None and known.signed_in
    if g.let_in:
        g.visit = known


def sign_in_page(status: int, error: str = "") -> Response:
    """Return the sign-in page, which leads to the requested page afterwards."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else request.form.get("wanted", "/")
    over_plain_http = not request.is_secure and request.headers.get("X-Forwarded-Proto", "http") != "https"
    page = render_template(
        "sign_in.html", wanted=wanted, error=error, will_not_keep=over_plain_http and not is_loopback_host()
    )
    return make_response(page, status)


def local_path(path: str) -> str:
    """Return the path if it is ours; one that a browser would take to another host becomes the overview's."""
    is_ours = path.startswith("/") and path[1:2] not in {"/", "\\"} and path.isprintable()
    return path if is_ours else "/"


def _known() -> Visit | None:
    found = sessions().read(request.cookies.get(cookie_name(secure=is_secure()), ""))
    if found is None or not found.signed_in:
        return found
    try:
        return None if RevokedSessions(services().ledger.client).has_ended(found.name) else found
    except redis.RedisError:
        return found  # every page will report that the ledger is unreachable

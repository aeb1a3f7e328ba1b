"""The zone in which pages show times: the first account's, or the one that the viewer chose."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, g, redirect, request

from webhook.console.gate import is_secure, local_path
from webhook.context.services import services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("zone", __name__)

_COOKIE = "legwork-zone"
_YEAR_SECONDS = 365 * 86_400


def viewer_zone() -> ZoneInfo:
    """Return the zone of the page that is being made."""
    if "zone" not in g:
        g.zone = _named(request.cookies.get(_COOKIE, "")) or ZoneInfo(zones_of_accounts()[0])
    zone: ZoneInfo = g.zone
    return zone


def zones_of_accounts() -> list[str]:
    """Return the names of the accounts' zones, each once, in the order of the accounts."""
    return list(dict.fromkeys(str(account.timezone) for account in services().settings.accounts))


def _named(name: str) -> ZoneInfo | None:
    """Return the zone of that name; None if there is none. `available_timezones` reads every file of the database."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown; no name but a path; the name of a folder
        return None


@blueprint.post("/zone")
def choose() -> ResponseReturnValue:
    """Remember a zone in a cookie of this browser, and go back to the page."""
    zone = request.form.get("zone", "")
    if _named(zone) is None:
        abort(400, f"“{zone}” is no time zone: name one such as Asia/Kolkata or UTC.")
    answer = redirect(local_path(request.form.get("back", "/")), 303)
    answer.set_cookie(_COOKIE, zone, max_age=_YEAR_SECONDS, secure=is_secure(), httponly=True, samesite="Lax")
    return answer

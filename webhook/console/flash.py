"""The message that the next page shows after a change. Only its key and a number are in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from flask import redirect, request, url_for

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

log = structlog.get_logger(__name__)

#: Who ordered a change, for a call's history.
CONSOLE = "the console"

# The text for one, and for any other number.
_SAID = {
    "queued": ("One record is queued for delivery.", "{} records are queued for delivery."),
    "waiting": ("Nothing was queued: it waits for its sink already.", "Nothing was queued: {} wait already."),
    "imported": (
        "One call is queued: it is fetched behind live calls.",
        "{} calls are queued: they are fetched behind live calls.",
    ),
    "sooner": ("The call is fetched as soon as the quota allows.", ""),
    "refetch": ("The call is fetched again.", ""),
    "confirm": (
        "The call is read once more, at lowest priority. A correction is sent if anything differs.",
        "",
    ),
    "under_way": ("The call is being fetched, or is about to be.", ""),
    "retried": ("One is retried.", "{} are retried."),
    "dropped": ("One was discarded.", "{} were discarded."),
    "disabled": ("The sink is disabled. Its deliveries wait.", ""),
    "enabled": ("The sink is enabled.", ""),
    "brought_forward": ("One delivery is retried now.", "{} deliveries are retried now."),
    "updated": ("The sink is changed.", ""),
    "removed": ("The sink is removed.", ""),
    "removed_and_dropped": (
        "The sink is removed. One waiting delivery was discarded.",
        "The sink is removed. {} waiting deliveries were discarded.",
    ),
    "finished": ("The old secret is expired.", "{} old secrets are expired."),
    "account_accepted": ("Exotel accepts the account's credentials.", ""),
    "account_refused": ("Exotel still refuses the account.", ""),
    "account_throttled": ("Exotel answers 429: another program uses the quota.", ""),
    "account_unreachable": ("Exotel gave no usable answer.", ""),
    "account_not_asked": ("Exotel was not asked: the account is paused, or a worker asks already.", ""),
    "unchanged": ("No change.", ""),
}
# Messages which say that nothing, or nothing more, was done.
_CHANGED_NOTHING = frozenset(
    {"waiting", "under_way", "unchanged"}
    | {f"account_{answer}" for answer in ("refused", "throttled", "unreachable", "not_asked")}
)


@dataclass(frozen=True, slots=True)
class Flash:
    """The message about the last change."""

    text: str
    #: Whether something was changed; the message is green only then.
    has_succeeded: bool


def back_to(endpoint: str, said: str, number: int = 1, **where: Any) -> ResponseReturnValue:
    """Redirect to a page that shows what was done, and log it."""
    names = {"sid": "call_sid", "name": "sink"}
    named = {names[key]: value for key, value in where.items() if key in names}
    log.info("console.changed", outcome=said, count=number, address=request.remote_addr, **named)
    return redirect(url_for(endpoint, said=said, n=number, **where), 303)


def flashed_message() -> Flash | None:
    """Return the message for the requested page; None for none."""
    said = request.args.get("said", "")
    if said not in _SAID:
        return None
    one, many = _SAID[said]
    number = request.args.get("n", default=1, type=int)
    text = one if number == 1 or not many else many.format(f"{number:,}")
    return Flash(text, has_succeeded=said not in _CHANGED_NOTHING)

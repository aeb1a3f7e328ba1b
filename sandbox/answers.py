"""The ways in which a read of a call's legs is answered; scenarios name them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.legs import exotel_legs, legs_answer
from sandbox.wire import Reply, error, legs_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.calls import Call
    from sandbox.settings import Settings

GATEWAY_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"

# Short, so that one can watch a client that pauses the whole account resume.
RETRY_AFTER_SECONDS = "2"


def _legs(call: Call, _: Settings) -> Reply:
    return Reply(exotel_legs(call))


def _short(call: Call, _: Settings) -> Reply:
    legs = exotel_legs(call)["legs"]
    return Reply(legs_answer(legs[:-1], total=len(legs)))


def _caller_only(call: Call, _: Settings) -> Reply:
    return Reply(legs_answer([_unfinished(exotel_legs(call)["legs"][0])]))


def _in_progress(call: Call, _: Settings) -> Reply:
    *others, last = exotel_legs(call)["legs"]
    return Reply(legs_answer([*others, _unfinished(last)]))


def _unfinished(leg: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in leg.items() if key != "EndTime"} | {
        "Status": "in-progress",
        "OnCallDuration": 0,
    }


def _settled_too_early(call: Call, _: Settings) -> Reply:
    return Reply(legs_answer(exotel_legs(call)["legs"][:-1]))


def _no_legs(_call: Call, _: Settings) -> Reply:
    return Reply(legs_answer([]))


def _xml(call: Call, _: Settings) -> Reply:
    return Reply(exotel_legs(call), always_xml=True)


def _odd(call: Call, _: Settings) -> Reply:
    """Values as they occur elsewhere in v1; the facts stay the same."""
    legs = exotel_legs(call)["legs"]
    for leg in legs:
        leg["OnCallDuration"] = str(leg["OnCallDuration"])
        leg["Origin"] = leg["Origin"].capitalize()
        leg["PhoneNumber"] = "+91" + leg["PhoneNumber"].removeprefix("0")
        leg["LastAction"] = "null"
        leg["FutureField"] = "x"
    legs[0] |= {"StartTime": "0000-00-00 00:00:00", "EndTime": "1970-01-01 05:30:00", "ExoPhone": None}
    return Reply(legs_answer(legs))


def _bad_request(_call: Call, _: Settings) -> Reply:
    return legs_error(400, "Bad Request", "Please check the call id sent")


def _not_found(_call: Call, _: Settings) -> Reply:
    return error(404, "The requested resource was not found")


def _throttled(_call: Call, _: Settings) -> Reply:
    return error(429, "Rate limit exceeded", {"Retry-After": RETRY_AFTER_SECONDS}, Code="RATE_LIMIT_EXCEEDED")


def _server_error(_call: Call, _: Settings) -> Reply:
    return error(500, "Internal Server Error")


def _slow(call: Call, settings: Settings) -> Reply:
    time.sleep(settings.slow_seconds)
    return Reply(exotel_legs(call))


def _html_502(_call: Call, _: Settings) -> Reply:
    return Reply(GATEWAY_PAGE.format("502 Bad Gateway"), status=502)


def _html_200(_call: Call, _: Settings) -> Reply:
    return Reply(GATEWAY_PAGE.format("Please log in"))


def _cut_off(call: Call, _: Settings) -> Reply:
    return replace(_legs(call, _), cut_off=True)


ANSWERS: dict[str, Callable[[Call, Settings], Reply]] = {
    "legs": _legs,
    "short": _short,
    "caller only": _caller_only,
    "in progress": _in_progress,
    "settled too early": _settled_too_early,
    "no legs": _no_legs,
    "xml": _xml,
    "odd": _odd,
    "400": _bad_request,
    "404": _not_found,
    "429": _throttled,
    "500": _server_error,
    "slow": _slow,
    "html 502": _html_502,
    "html 200": _html_200,
    "cut off": _cut_off,
}

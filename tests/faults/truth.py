"""Compare a record with the truth of its call, by the contract's rules and without Legwork's code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

ROLES = {"inbound": "caller", "outbound": "caller", "outbound-dial": "callee", "monitor": "supervisor"}
TELLING = ("busy", "no-answer", "failed", "canceled")
# The fields in which a record's leg must agree with the truth.
_OF_A_LEG = ("sid", "role", "number", "status", "on_call_seconds", "created_at")


def differences(event: dict[str, Any], truth: dict[str, Any], *, whole: bool = True) -> list[str]:
    """Return how a record differs from the truth; with `whole=False` legs may be missing, but none may be wrong."""
    data = event["data"]
    found = [
        f"{name} is {data[name]!r} instead of {right!r}"
        for name, right in (("account_sid", truth["account_sid"]), ("call_sid", truth["sid"]))
        if data[name] != right
    ]
    legs = [{name: _instant(leg[name]) for name in _OF_A_LEG} for leg in data["legs"]]
    right_legs = sorted(map(_leg, truth["legs"]), key=lambda leg: (leg["created_at"], leg["sid"]))
    if not whole:
        return found + [f"no such leg: {leg}" for leg in legs if leg not in right_legs]
    if legs != right_legs:
        found.append(f"legs are {legs} instead of {right_legs}")
    found += [
        f"{name} is {data[name]!r} instead of {right!r}"
        for name, right in _derived(right_legs, truth).items()
        if data[name] != right
    ]
    agents = [(agent["number"], agent["on_call_seconds"]) for agent in data["agents"]]
    if agents != (right_agents := _agents(right_legs, truth["direction"])):
        found.append(f"agents are {agents} instead of {right_agents}")
    return found


def _leg(leg: dict[str, Any]) -> dict[str, Any]:
    phone = not leg["number"].startswith("sip:")
    return {
        "sid": leg["sid"],
        "role": ROLES[leg["origin"]],
        "number": "+91" + leg["number"].removeprefix("0") if phone else None,
        "status": leg["status"],
        "on_call_seconds": leg["on_call_seconds"],
        "created_at": _instant(leg["created_at"]),
    }


def _derived(legs: list[dict[str, Any]], truth: dict[str, Any]) -> dict[str, Any]:
    callers, callees = ([leg for leg in legs if leg["role"] == role] for role in ("caller", "callee"))
    talked = {leg["number"] or leg["sid"] for leg in callers + callees if leg["on_call_seconds"]}
    who = {leg["number"] or leg["sid"] for leg in callees if leg["on_call_seconds"]}
    return {
        "direction": truth["direction"],
        "status": _status(callers, callees),
        "talk_seconds": sum(leg["on_call_seconds"] for leg in callees),
        "participant_count": len(talked),
        "scenario": "unknown" if not callees else ("unanswered", "direct", "multi_party")[min(len(who), 2)],
        "monitored": any(leg["role"] == "supervisor" and leg["on_call_seconds"] for leg in legs),
        # Of an outbound call it depends on a callback, which may come after the record.
        **({"outcome": "answered" if who else "missed"} if truth["direction"] == "inbound" else {}),
    }


def _agents(legs: list[dict[str, Any]], direction: str) -> list[tuple[str | None, float]]:
    """Number and seconds of each agent who was tried; the legs are in order of their beginning."""
    seconds: dict[str, float] = {}
    numbers: dict[str, str | None] = {}
    for leg in legs:
        if leg["role"] == ("callee" if direction == "inbound" else "caller"):
            party = leg["number"] or leg["sid"]
            numbers[party] = leg["number"]
            seconds[party] = seconds.get(party, 0) + leg["on_call_seconds"]
    return [(numbers[party], total) for party, total in seconds.items()]


def _status(callers: list[dict[str, Any]], callees: list[dict[str, Any]]) -> str | None:
    if any(leg["on_call_seconds"] for leg in callers) and any(leg["on_call_seconds"] for leg in callees):
        return "completed"
    words = [leg["status"] for leg in callees or callers]
    return min(words, key=lambda word: TELLING.index(word) if word in TELLING else len(TELLING), default=None)


def _instant(value: Any) -> Any:
    if isinstance(value, str) and value.endswith("Z"):
        return datetime.fromisoformat(value)
    return value

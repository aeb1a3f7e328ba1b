"""One sentence about a call, for people: how it came in, who answered, after what wait, who listened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webhook.operations.times import clock_time
from worker.record.summary import facts_of_callbacks, facts_of_record, filled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from worker.ledger import Ledger
    from worker.ledger.queries.lookup import CallHistory
    from worker.record.summary import CallFacts

    # Shows a party's address, masked or not.
    Number = Callable[[str | None], str]

# What a supervisor last did, by Exotel's `last_action`.
_SUPERVISED = {"listen": "listened", "whisper": "whispered to the agent", "barge": "joined the call"}
_OUTCOMES = {"busy": "the customer was busy", "missed": "the customer did not answer", "failed": "it failed"}


def summary_of_call(ledger: Ledger, history: CallHistory, number: Number) -> str:
    """Return the sentence about a call: from its newest record with legs, or else from its callbacks."""
    for event in reversed(history.events.values()):
        if event["data"].get("legs"):
            return summary_of_record(event["data"], number)
    return summary_of_facts(call_facts(ledger, history), number, is_over=history.summary.state in {"dead", "dropped"})


def call_facts(ledger: Ledger, history: CallHistory) -> CallFacts:
    """Return the facts of a call's newest record, and from its callbacks what that does not tell."""
    account = ledger.account(history.summary.account_sid)
    told = facts_of_record(next(reversed(history.events.values()), {}))
    return filled(told, facts_of_callbacks(history.callbacks, region=account.region, timezone=account.timezone))


def summary_of_record(data: Mapping[str, Any], number: Number) -> str:
    """Return the sentence about a record's `data`; records of an earlier version tell less.

    `Inbound from …0614, answered by …9001 after 8 s, 27 s of talk, a supervisor listened.`
    """
    return ", ".join(filter(None, (_way(data, number), *_course(data, number), *_supervisors(data["legs"])))) + "."


def summary_of_facts(facts: CallFacts, number: Number, *, is_over: bool) -> str:
    """Return the sentence about a call without legs, from what its callbacks tell; `is_over`: none are to come."""
    way = _way({"direction": facts.direction, "customer": facts.customer}, number)
    return f"{way}, {'Exotel told nothing of its legs' if is_over else 'legs not fetched yet'}."


def _way(data: Mapping[str, Any], number: Number) -> str:
    match data.get("direction"):
        case "inbound":
            return f"Inbound from {number(data['customer'])}" if data.get("customer") else "Inbound"
        case "outbound":
            return f"Outbound to {number(data['customer'])}" if data.get("customer") else "Outbound"
        case _:
            return "Direction unknown"


def _course(data: Mapping[str, Any], number: Number) -> list[str]:
    agents: Sequence[Mapping[str, Any]] = data.get("agents") or ()
    named = [number(agent["number"] or agent["number_raw"]) for agent in agents]
    talked = [name for agent, name in zip(agents, named, strict=True) if agent["status"] == "completed"]
    wait, talk = data.get("wait_seconds"), data.get("talk_seconds") or 0
    after = "" if wait is None else f" after {clock_time(wait)}"
    spoken = f"{clock_time(talk)} of talk"
    match data.get("direction"), data.get("outcome"):
        case "inbound", "answered":
            by = f" by {_then(talked)}" if talked else ""
            return [f"answered{by}{after}", spoken]
        case "inbound", "missed":
            return ["missed", f"{_listed(named)} did not answer" if named else "no agent was tried"]
        case "outbound", "answered":
            return [f"answered{after}", f"agent {_then(talked)}" if talked else "", spoken]
        case "outbound", str(outcome):
            return [_OUTCOMES.get(outcome, outcome), f"agent {_listed(named)}" if named else ""]
        case _:
            return [spoken if talk else "nobody talked"]


def _supervisors(legs: Sequence[Mapping[str, Any]]) -> list[str]:
    present = [leg for leg in legs if leg["role"] == "supervisor" and leg["on_call_seconds"] > 0]
    did = dict.fromkeys(_SUPERVISED.get(str(leg.get("last_action")), "was on the call") for leg in present)
    return [f"a supervisor {what}" for what in did]


def _then(names: Sequence[str]) -> str:
    """Return names in the order in which they talked: `…9001, then …9002`."""
    return ", then ".join(names)


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last

"""The two sides of a call: which legs are the customer's, which the agents', and who is named as each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.record.facts import most_telling, total
from worker.record.roles import Part, with_role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.record.hints import Hints


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is who in a call. A side that is not known has no legs and no name; nobody is guessed."""

    #: The legs of the customer: one, or several where the customer was rung more than once.
    customer_legs: Sequence[Part] = ()
    #: The legs of all agents who were tried.
    agent_legs: Sequence[Part] = ()
    #: The customer, and the agent whom the record names (contract section 5).
    customer: Part | None = None
    agent: Part | None = None


def sides_of(direction: str | None, parts: Sequence[Part], hints: Hints) -> Sides:
    """Tell the sides apart by contract section 5: by the roles of an inbound call, by the callback of an outbound one."""
    callers, callees = with_role(parts, "caller"), with_role(parts, "callee")
    if direction == "inbound":
        talked = [part for part in callees if part.talked]
        agent = max(talked, key=lambda part: part.leg.on_call_seconds, default=None)
        return Sides(callers, callees, callers[0] if callers else None, agent)
    if direction == "outbound":
        customer, agent = hints.customer_and_agent(parts)
        legs = [part for part in callees if customer and part.party == customer.party]
        # Exotel rings whoever placed the call first, so the caller is the agent even where no callback says so.
        return Sides(legs, callers, customer, agent)
    return Sides()


def agents_of(sides: Sides) -> list[dict[str, Any]]:
    """Return the record's `agents`: each agent who was tried, in order of the first leg, with what came of it."""
    legs: dict[str, list[Part]] = {}
    for part in sides.agent_legs:
        legs.setdefault(part.party, []).append(part)
    return [
        {
            "number": parts[0].number,
            "number_raw": parts[0].leg.number_raw,
            "number_kind": parts[0].number_kind,
            "status": "completed" if any(part.talked for part in parts) else most_telling(parts),
            "on_call_seconds": total(part.leg.on_call_seconds for part in parts),
        }
        for parts in legs.values()
    ]

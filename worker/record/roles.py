"""The role of each leg of a call: caller, callee or supervisor; with its number, as a part of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.times import EPOCH
from worker.numbers.phone import kind_of, to_e164

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.legs import Leg

# Exotel's own words for how a leg came about (exotel.md section 1.4).
_ROLES = {"inbound": "caller", "outbound": "caller", "outbound-dial": "callee", "monitor": "supervisor"}
_DIRECTIONS = {"inbound": "inbound", "outbound": "outbound"}


@dataclass(frozen=True, slots=True)
class Part:
    """A leg, and what follows from it alone."""

    leg: Leg
    role: str
    number: str | None
    number_kind: str

    @property
    def talked(self) -> bool:
        """Was this party on the call at all?"""
        return self.leg.on_call_seconds > 0

    @property
    def party(self) -> str:
        """What tells this party from others: its number; a leg without one is a party of its own."""
        return self.number or (self.leg.number_raw or "").strip() or f"leg {self.leg.sid}"


def parts_of(legs: Iterable[Leg], region: str) -> list[Part]:
    """Give the parts by time of creation (unknown last), then by Sid, whatever order the legs came in."""
    return [
        Part(
            leg=leg,
            role=_ROLES.get(leg.origin or "", "unknown"),
            number=to_e164(leg.number_raw or "", region),
            number_kind=kind_of(leg.number_raw, region),
        )
        # Two legs of one Sid should not be; if they are, their whole content puts them in an order.
        for leg in sorted(legs, key=lambda leg: (leg.created_at is None, leg.created_at or EPOCH, leg.sid, repr(leg)))
    ]


def with_role(parts: Iterable[Part], role: str) -> list[Part]:
    """Give the parts in a role."""
    return [part for part in parts if part.role == role]


def direction(parts: Iterable[Part]) -> str | None:
    """Give the direction of the first leg that has one: `outbound-dial` comes in calls of either."""
    return next((_DIRECTIONS[part.leg.origin] for part in parts if part.leg.origin in _DIRECTIONS), None)

"""Determine each leg's role (caller, callee or supervisor) and number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.times import EPOCH
from worker.numbers.phone import kind_of, to_e164

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.legs import Leg

# Exotel's names for a leg's origin (exotel.md section 1.4).
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
        """Return whether this party was on the call at all."""
        return self.leg.on_call_seconds > 0

    @property
    def party(self) -> str:
        """Return the party's identity: its number; a leg without one is a separate party."""
        return self.number or (self.leg.number_raw or "").strip() or f"leg {self.leg.sid}"


def parts_of(legs: Iterable[Leg], region: str) -> list[Part]:
    """Return the parts ordered by creation time (unknown last), then by Sid."""
    return [
        Part(
            leg=leg,
            role=_ROLES.get(leg.origin or "", "unknown"),
            number=to_e164(leg.number_raw or "", region),
            number_kind=kind_of(leg.number_raw, region),
        )
        # Two legs should not have one Sid; if they do, their whole content determines the order.
        for leg in sorted(legs, key=lambda leg: (leg.created_at is None, leg.created_at or EPOCH, leg.sid, repr(leg)))
    ]


def with_role(parts: Iterable[Part], role: str) -> list[Part]:
    """Return the parts in a role."""
    return [part for part in parts if part.role == role]


def direction(parts: Iterable[Part]) -> str | None:
    """Return the direction of the first leg that has one: `outbound-dial` occurs in calls of either."""
    return next((_DIRECTIONS[part.leg.origin] for part in parts if part.leg.origin in _DIRECTIONS), None)

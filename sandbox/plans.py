"""What a scenario is made of: who is dialled when, what is posted when, how the Legs API answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Party = Literal["customer", "agent", "second agent", "third agent", "SIP agent", "supervisor"]

# When a callback goes out, in a call's life. "connect": just before the first callee is dialled; "dialled",
# "answered" and "hung up": of one callee; "connect over": the last callee is gone, the caller still there.
Moment = Literal["connect", "dialled", "answered", "hung up", "connect over", "call over"]

# How the fields of a StatusCallback travel. "multipart" is Exotel's default; "ping" is a POST without a body.
Form = Literal["multipart", "urlencoded", "json", "ping"]


@dataclass(frozen=True, slots=True)
class LegPlan:
    """One leg; all times in seconds from the start of the call."""

    party: Party
    origin: str
    status: str
    after: int
    rings: int
    talks: int = 0
    last_action: str = ""

    @property
    def answered_after(self) -> int:
        return self.after + self.rings

    @property
    def over_after(self) -> int:
        return self.after + self.rings + self.talks


@dataclass(frozen=True, slots=True)
class Post:
    """One callback: to which of the two URLs, when, and in which format."""

    url: Literal["passthru", "status"]
    moment: Moment
    event: str | None = None
    form: Form = "multipart"
    callee: int = 0
    delay: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: everything that is special about a call whose number ends in `code`.

    `reads` names the answers to the first reads of the legs, `then` the answer to all later ones; the names are
    those of `sandbox.answers`.
    """

    code: int
    name: str
    does: str
    legs: tuple[LegPlan, ...]
    posts: tuple[Post, ...]
    reads: tuple[str, ...] = ()
    then: str = "legs"
    inbound: bool = field(init=False)
    seconds: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inbound", self.legs[0].origin == "inbound")
        object.__setattr__(self, "seconds", max(leg.over_after for leg in self.legs))

    @property
    def callees(self) -> tuple[LegPlan, ...]:
        """The legs that the platform dialled after the first, in order."""
        return tuple(leg for leg in self.legs if leg.origin == "outbound-dial")

    @property
    def status(self) -> str:
        """The call's status in the calls list: an inbound call is always "completed", even if nobody answered."""
        if self.inbound:
            return "completed"
        last = self.callees[-1] if self.callees else self.legs[0]
        return last.status

    def answer_to(self, read: int) -> str:
        """Return the name of the answer to the read with this number, from 1."""
        return self.reads[read - 1] if read <= len(self.reads) else self.then

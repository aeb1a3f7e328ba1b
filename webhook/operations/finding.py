"""A finding: a line about one thing that `legwork check` has tried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.logs import Mask


class Verdict(StrEnum):
    """What a finding means: only `wrong` is a reason for an exit code of 1."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: about what, how it stands, and what to change if it does not stand well."""

    about: str
    verdict: Verdict
    text: str

    def masked(self, mask: Mask) -> Finding:
        """Return it with no secret in it: what others say may hold one."""
        return replace(self, text=mask.text(self.text))

    def as_document(self) -> dict[str, str]:
        """Return it for programs."""
        return {"about": self.about, "verdict": self.verdict.value, "text": self.text}

"""A finding: one line of `legwork check`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.numbers.masking import Mask


class Verdict(StrEnum):
    """What a finding means: only `wrong` makes the exit code 1."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was checked, the verdict, and what to change if it is not ok."""

    about: str
    verdict: Verdict
    text: str

    def masked(self, mask: Mask) -> Finding:
        """Return it without secrets, which messages from outside may hold."""
        return replace(self, text=mask.text(self.text))

    def as_document(self) -> dict[str, str]:
        """Return it as plain data."""
        return {"about": self.about, "verdict": self.verdict.value, "text": self.text}

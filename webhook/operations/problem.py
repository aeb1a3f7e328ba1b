"""A problem: something that keeps calls from flowing, as `legwork status`, `/api/status` and the console show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: an error stops some calls, a warning delays them or will."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One line: what is affected, how bad it is, and what to do about it (contract section 7)."""

    about: str
    severity: Severity
    text: str

    def as_document(self) -> dict[str, str]:
        """Return it as plain data."""
        return {"about": self.about, "severity": self.severity.value, "text": self.text}

"""A finished report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of a report, each by the report's columns; numbers are whole."""

    rows: list[dict[str, Any]]
    #: How many calls the report is of: for all reports but that of agents, the inbound ones.
    calls: int
    #: How many calls (of agents: how many tries) are in no row, because there is no number to list them under.
    unlisted: int = 0

"""Report a run: a line for each finished fault, tables at the end, and all figures as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from faults.scene import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from faults.judge import Verdict
    from faults.recovery import Recovered
    from faults.rolling import Rolled
    from faults.scene import Happened


@dataclass
class Report:
    """All results of a run; `calls` and `faults` are the minimum numbers for a valid run."""

    seed: int
    calls: int
    faults: int
    kinds: set[str]
    began: float = field(default_factory=time.monotonic)
    happened: list[Happened] = field(default_factory=list)
    recovered: list[Recovered] = field(default_factory=list)
    rolled: Rolled | None = None
    calm_seconds: float = 0.0
    fresh_seconds: float = 0.0
    verdict: Verdict | None = None

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    def fault(self, each: Happened) -> None:
        """Record a finished fault."""
        self.happened.append(each)
        mark = "" if each.bit else f"{each.outcome.value.upper()}: "
        self.say(f"{each.lane:9}  {each.name:44}  {each.seconds:5.1f} s  {mark}{each.proof}")

    @property
    def bitten(self) -> Counter[str]:
        return Counter(each.name for each in self.happened if each.bit)

    def shortcomings(self) -> list[str]:
        """Return why the run did not pass: a broken guarantee, or too few calls or faults."""
        found = [f"{each.name}: {each.proof}" for each in self.happened if each.outcome is Outcome.BROKE]
        found += [f"too late: {one.told()}" for one in self.recovered if not one.ok]
        if self.rolled is not None and not self.rolled.ok:
            found.append(f"rolling restart: {self.rolled.told()}")
        if self.verdict is None:
            return [*found, "there was no verdict"]
        if not self.verdict.ok:
            found.append(self.verdict.told())
        if self.verdict.figures["obligations"] < self.calls:
            found.append(f"only {self.verdict.figures['obligations']} calls of {self.calls}")
        if self.bitten.total() < self.faults:
            found.append(f"only {self.bitten.total()} faults of {self.faults} bit")
        if never := sorted(self.kinds - self.bitten.keys()):
            found.append(f"never bit: {', '.join(never)}")
        return found

    def document(self) -> dict[str, Any]:
        figures = self.verdict.figures if self.verdict else {}
        return {
            "seed": self.seed,
            "minutes": round((time.monotonic() - self.began) / 60, 1),
            **figures,
            "faults_that_bit": self.bitten.total(),
            "faults": dict(sorted(self.bitten.items())),
            "recoveries": [asdict(one) | {"ok": one.ok} for one in self.recovered],
            "rolling_restart": None if self.rolled is None else asdict(self.rolled) | {"ok": self.rolled.ok},
            "calm_after_seconds": round(self.calm_seconds, 1),
            "fresh_call_seconds": round(self.fresh_seconds, 2),
            "shortcomings": self.shortcomings(),
        }

    def finish(self, results: Path | None) -> bool:
        """Print the tables, store the figures; return True if the run passed."""
        document = self.document()
        if results is not None:
            results.parent.mkdir(parents=True, exist_ok=True)
            results.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        print("\n".join([*self._faults(), *self._figures(document)]))
        shortcomings = document["shortcomings"]
        print("\n" + ("EVERY PROMISE WAS KEPT" if not shortcomings else "\n".join(shortcomings)), flush=True)
        return not shortcomings

    def _faults(self) -> list[str]:
        seconds: dict[str, float] = defaultdict(float)
        for each in self.happened:
            seconds[each.name] += each.seconds
        lines = ["", f"{'fault':46}{'times':>6}{'in all':>9}"]
        return lines + [f"{name:46}{count:6}{seconds[name]:7.0f} s" for name, count in sorted(self.bitten.items())]

    def _figures(self, document: dict[str, Any]) -> list[str]:
        lines = ["", *(one.told() for one in self.recovered)]
        if self.rolled is not None:
            lines.append(f"rolling restart: {self.rolled.told()}")
        lines.append("")
        quiet = {"faults", "recoveries", "rolling_restart", "shortcomings"}
        return lines + [f"{name.replace('_', ' ')}: {value}" for name, value in document.items() if name not in quiet]

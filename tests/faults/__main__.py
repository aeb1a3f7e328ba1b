"""`make faults`: the full run. Every fault alone, the recoveries measured, then all shuffled; calm; the judge; the figures.

    python -m faults [--seed N] [--calls 20000] [--faults 200] [--per-second 12] [--results FILE]

A run is repeated by its seed, which is printed first. Exit code 1 when a promise was broken or the run does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults import recovery, trouble
from faults.proxy import Mood
from faults.scene import FULL, TABLE, Happened, Scene
from faults.suite import alone, calm, fresh, poison, scene, shuffled, traffic, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

assert trouble.__all__, "importing it enters the faults in the table"

# Whatever was postponed by the last trouble is due again within the longest waits of the schedules, several times over.
CALM_SECONDS = 300.0


def said(each: Happened) -> None:
    """Print a fault as it is over."""


async def recoveries(here: Scene) -> list[recovery.Recovered]:
    """Measure how soon calls flow again, after each of the great troubles."""
    found = []
    for measure in (
        recovery.all_workers_killed(here),
        recovery.redis_killed(here),
        recovery.redis_unreachable(here, Mood.REFUSE),
        recovery.redis_unreachable(here, Mood.SILENT),
        recovery.redis_unreachable(here, Mood.CUT),
    ):
        found.append(await measure)
        found[-1]
        await fresh(here, seconds=120)
    return found


async def run(options: argparse.Namespace) -> int:
    """Make the run and judge it."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    async with scene(folder, seed=options.seed, pace=FULL) as here:
        here.driver.per_second = options.per_second
        async with traffic(here, at_least=options.calls):
            poisoned = asyncio.create_task(poison(here, said, buried=True))
            happened = await alone(here, TABLE.values(), said)
            recovered = await recoveries(here)
            left = options.faults - sum(each.bit for each in happened)
            happened += await shuffled(here, left, said, long=True) if left > 0 else []
            happened.append(await poisoned)
        calm_seconds = await calm(here, CALM_SECONDS)
        fresh_seconds = await fresh(here, seconds=60)
        await calm(here, CALM_SECONDS)
        found = await verdict(here)
    bitten = Counter(each.name for each in happened if each.bit)
    report: dict[str, Any] = {
        "seed": options.seed,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "faults": dict(bitten.most_common()),
        "faults_that_bit": bitten.total(),
        "recoveries": [asdict(one) | {"ok": one.ok} for one in recovered],
        "calm_after_seconds": round(calm_seconds, 1),
        "fresh_call_seconds": round(fresh_seconds, 2),
        **found.figures,
        "problems": {kind: texts[:20] for kind, texts in found.problems.items() if texts},
    }
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    counts = found.figures["obligations"] >= options.calls and bitten.total() >= options.faults
    missing = sorted(TABLE.keys() - bitten.keys())
    if missing:
        pass
    if not counts:
        pass
    late = [one.what for one in recovered if not one.ok]
    if late:
        pass
    return 0 if found.ok and counts and not late and not missing else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=12.0)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "full.json")
    return asyncio.run(run(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())

"""`make faults`: inject every fault alone, measure recoveries, do a rolling restart, then inject all shuffled; judge.

The seed, which is printed first, repeats a run. Exit code 1 if a guarantee was broken or the run is not valid.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from faults import recovery, suite, trouble
from faults.proxy import Mood
from faults.report import Report
from faults.rolling import rolling_restart
from faults.scene import FULL, SHORT, TABLE, Fault, Pace, Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

assert trouble.__all__, "importing it enters the faults in the table"

POISON = "a call kills its worker"
# Long enough for everything postponed by the last fault to be due again several times over.
CALM_SECONDS = 300.0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="faults", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--calls", type=int, default=20_000, help="so many at least")
    parser.add_argument("--faults", type=int, default=200, help="so many that bit at least")
    parser.add_argument("--per-second", type=float, default=13.0, help="calls a second")
    parser.add_argument("--brisk", action="store_true", help="troubles of seconds, as in the short form")
    parser.add_argument(
        "--only", nargs="*", default=None, metavar="WORD", help="only these faults, alone, and nothing else"
    )
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "full.json")
    return parser.parse_args(arguments)


async def measure_recoveries(here: Scene, report: Report) -> None:
    """Measure how soon calls are delivered again after each major fault."""
    for measure in (
        recovery.all_workers_killed(here),
        recovery.redis_killed(here),
        recovery.redis_unreachable(here, Mood.REFUSE),
        recovery.redis_unreachable(here, Mood.SILENT),
        recovery.redis_unreachable(here, Mood.SILENT, forget=True),
        recovery.redis_unreachable(here, Mood.CUT),
    ):
        report.recovered.append(await (await measure).done())
        report.say(report.recovered[-1].told())
        await suite.fresh(here, seconds=120)


async def everything(here: Scene, report: Report, kinds: list[Fault], *, long: bool) -> None:
    poisoned = asyncio.create_task(suite.poison(here, report.fault, buried=True))
    await suite.alone(here, kinds, report.fault)
    await poisoned
    await measure_recoveries(here, report)
    report.rolled = await rolling_restart(here)
    report.say(f"rolling restart: {report.rolled.told()}")
    await suite.shuffled(here, report.faults - report.bitten.total(), report.fault, long=long)


async def run(options: argparse.Namespace) -> bool:
    """Run the suite, judge it, print the result; return True if it passed."""
    pace: Pace = SHORT if options.brisk else FULL
    kinds = [each for each in TABLE.values() if not (options.brisk and each.long)]
    if options.only is not None:
        words = [word.lower() for word in options.only]
        kinds = [each for each in TABLE.values() if any(word in each.name.lower() for word in words)]
        report = Report(options.seed, 0, 0, {each.name for each in kinds})
    else:
        report = Report(options.seed, options.calls, options.faults, {POISON, *(each.name for each in kinds)})
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    report.say(f"seed {options.seed}, logs in {folder}")
    async with suite.scene(folder, seed=options.seed, pace=pace) as here:
        here.driver.per_second = options.per_second
        async with suite.traffic(here, at_least=report.calls):
            if options.only is not None:
                await suite.alone(here, kinds, report.fault)
            else:
                await everything(here, report, kinds, long=not options.brisk)
            report.say("the last fault is over")
        report.calm_seconds = await suite.calm(here, CALM_SECONDS)
        report.fresh_seconds = await suite.fresh(here, seconds=60)
        await suite.calm(here, CALM_SECONDS)
        report.say("calm: the judge decides")
        report.verdict = await suite.verdict(here)
    proof = report.finish(None if options.only is not None else options.results)
    if proof:
        shutil.rmtree(folder)
    return proof


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(run(parse(None))) else 1)

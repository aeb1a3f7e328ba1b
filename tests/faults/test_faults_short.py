"""The short form of the fault suite, for CI: every short fault once, shuffled, and the recoveries; then the judge."""

from __future__ import annotations

import asyncio
import random

import pytest
from faults import recovery, suite, trouble
from faults.judge import NEVER_KNOWN, NEVER_WHOLE
from faults.machine import Setup
from faults.report import Report
from faults.rolling import rolling_restart
from faults.scene import SHORT, TABLE

assert trouble.__all__, "importing it enters the faults in the table"

# CI machines have other load: the full form checks all of these times against their limits.
SLOW_MACHINE_SECONDS = 60.0
SHORT_SETUP = Setup(
    timeout_seconds=1.0,
    retry_schedule=(0.5, 1, 2, 3, *[4.0] * 5),
    delivery_schedule=(0.5, 1, 2, *[3.0] * 20),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_nothing_is_doubled_and_the_quota_is_kept_whatever_breaks(tmp_path):
    """Two and a half minutes. `make faults FAULTS_ARGS="--brisk --seed …"` makes a longer run of the same faults."""
    seed = random.randrange(1_000_000)
    kinds = {each.name for each in TABLE.values() if not each.long}
    report = Report(seed, calls=500, faults=len(kinds), kinds=kinds)
    report.say(f"seed {seed}")
    asyncio.run(_short(tmp_path, report))
    report.finish(None)
    assert report.shortcomings() == [], f"seed {seed}; more stands in the captured output"


async def _short(folder, report):
    async with suite.scene(folder, seed=report.seed, pace=SHORT, setup=SHORT_SETUP) as here:
        async with suite.traffic(here, at_least=report.calls):
            # The leases of what both interrupt run out while all are restarted.
            recoveries = [await recovery.redis_killed(here), await recovery.all_workers_killed(here)]
            report.rolled = await rolling_restart(here, slack_seconds=SLOW_MACHINE_SECONDS)
            report.say(f"rolling restart: {report.rolled.told()}")
            for each in recoveries:
                recovered = await each.done()
                report.say(recovered.told())
                assert recovered.flow_seconds < SLOW_MACHINE_SECONDS, f"seed {report.seed}: {recovered.told()}"
                assert recovered.interrupted_seconds < recovered.interrupted_bound + SLOW_MACHINE_SECONDS
            # They take the whole schedule to end; a minute of them is enough.
            for endless in (NEVER_KNOWN, NEVER_WHOLE):
                del here.driver.scenarios[endless]
            poisoned = asyncio.create_task(suite.poison(here, report.fault, buried=False))
            for each in await suite.shuffled(here, 0, report.fault, long=False):
                assert each.outcome != "broke a promise", each
            await poisoned
        report.calm_seconds = await suite.calm(here, 200)
        report.fresh_seconds = await suite.fresh(here, seconds=60)
        await suite.calm(here, 120)
        report.verdict = await suite.verdict(here)

"""The short form of the fault suite: a handful of faults while calls come in, then the judge."""

from __future__ import annotations

import asyncio
import os
import random

import pytest
from faults import trouble
from faults.scene import SHORT, TABLE
from faults.suite import alone, calm, fresh, scene, traffic, verdict

# Half of what there is, another half each time: two to three minutes. All of it is in `make faults`.
FAULTS = 14

assert trouble.__all__, "importing it enters the faults in the table"


@pytest.mark.slow
@pytest.mark.skipif("FAULTS" not in os.environ, reason="asked for with FAULTS=1 until a full run has been made")
@pytest.mark.timeout(400)
def test_nothing_is_lost_nothing_is_doubled_and_the_quota_is_kept(tmp_path):
    seed = random.randrange(1_000_000)
    asyncio.run(_short(tmp_path, seed))


async def _short(folder, seed):
    happened = []
    async with scene(folder, seed=seed, pace=SHORT) as here:
        quick = here.dice.sample([fault for fault in TABLE.values() if not fault.long], FAULTS)
        async with traffic(here, at_least=300):
            happened += await alone(here, quick, lambda each: print(each.name, each.bit, each.proof))
        await calm(here, 60)
        await fresh(here, seconds=30)
        await calm(here, 60)
        found = await verdict(here)
    bitten = [each.name for each in happened if each.bit]
    assert found.ok, f"seed {seed}\n{found.told()}"
    assert len(bitten) >= 0.8 * len(quick), f"seed {seed}: too few faults bit for the run to count: {bitten}"
    assert found.figures["obligations"] >= 300

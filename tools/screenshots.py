"""Take the console's screenshots in docs/images: real processes, a mock Exotel, Debian's chromium. `make screenshots`.

The calls are real; the overview's chart of the hour before is generated for the picture.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.tab import chromium  # noqa: E402
from end_to_end.stage import Stage  # noqa: E402
from factories import FrozenClock, make_settings  # noqa: E402

from worker import metrics  # noqa: E402
from worker.connections import connect  # noqa: E402
from worker.ledger.meters import DELIVERED, FAILED, FETCHED, RECEIVED, Meters  # noqa: E402

IMAGES = ROOT / "docs/images"
#: Scenarios of the sandbox: a supervisor listens, a transfer, nobody answers, … and one that fails.
SCENARIOS = ["14", "10", "01", "20", "05", "32"]
WINDOW = {"width": 1120, "height": 760}


def fill_the_hour(stage):
    """Fill each minute of the last hour with counts of a contact centre on a typical afternoon."""
    with connect(make_settings(stage.environ["REDIS_URL"])) as client:
        now_ms = int(client.time()[0]) * 1000
        for ago in range(60, 0, -1):
            meters = Meters(client, clock=FrozenClock(now_ms - ago * 60_000))
            calls = round(70 + 30 * math.sin(ago / 7) + 12 * math.sin(ago * 1.7))
            late = round(70 + 30 * math.sin((ago + 2) / 7) + 12 * math.sin((ago + 2) * 1.7))
            for over, number in (
                (RECEIVED, calls),
                (FETCHED, round(late * 1.1)),
                (DELIVERED, late),
                (FAILED, late // 40),
            ):
                meters.count(metrics.FETCHES, "acme1m", "final", by=number, over=over)
            meters.close()


def make_calls(stage):
    """Run a few calls to their end; return the SID of the one with a supervisor."""
    sids = [sid for scenario in SCENARIOS for sid in stage.place(scenario)]
    for sid in sids:
        stage.post(sid)
    stage.wait_for(*sids)
    for sid in stage.place("01", count=12):
        stage.post(sid)
    return sids[0]


def main() -> int:
    """Take the screenshots for the README, or with `--all` every page in full, for review."""
    everything = "--all" in sys.argv
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder)) as stage, chromium() as browser:
        stage.start_line("web")
        stage.start_line("worker")
        fill_the_hour(stage)
        pages = {"overview": "/", "call": f"/calls/{make_calls(stage)}"}
        if everything:
            pages |= {
                name: f"/{name}" for name in ("calls", "reports/agents", "sinks", "dead", "accounts", "setup", "docs")
            }
        for scheme in ("light", "dark"):
            context = browser.new_context(
                base_url=stage.url, color_scheme=scheme, viewport=WINDOW, device_scale_factor=1.5, locale="en-IN"
            )
            tab = context.new_page()
            for name, path in pages.items():
                tab.goto(path)
                tab.wait_for_load_state("networkidle")
                tab.screenshot(path=IMAGES / f"{name.replace('/', '-')}-{scheme}.png", full_page=everything)
            context.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compute each limiter's figures, and the table of all."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limiters.counting import Arrival
    from limiters.traffic import Traffic


def figures_of(traffic: Traffic, began: float, arrivals: list[Arrival], latencies: list[float]) -> dict[str, Any]:
    """Return a limiter's figures from what its server counted until the end."""
    arrivals = [arrival for arrival in arrivals if arrival.at <= began + traffic.seconds]
    accepted = [arrival.at for arrival in arrivals if arrival.accepted]
    mean_latency = sum(latencies) / max(1, len(latencies))
    mean_round, share = _rounds(traffic, accepted)
    return {
        "arrivals": len(arrivals),
        "accepted": len(accepted),
        "refused": len(arrivals) - len(accepted),
        "fullest_window": _fullest_window([arrival.at for arrival in arrivals], traffic.window),
        "mean_round_seconds": round(mean_round, 4),
        "of_the_quota": round(share, 4),
        "mean_latency_seconds": round(mean_latency, 4),
        "of_what_latency_leaves": round(share * (traffic.window + mean_latency) / traffic.window, 4),
        "mean_wait_seconds": round(_mean_wait(traffic, began, arrivals), 2),
    }


def _rounds(traffic: Traffic, accepted: Sequence[float]) -> tuple[float, float]:
    """Return the mean time in which a whole quota was accepted, and the share of the quota used.

    Measured from each request to the one a quota later, so that a burst at the start has no effect. If too few were
    accepted, a smaller number is used in place of the quota.
    """
    count = min(traffic.quota, len(accepted) // 2)
    if not count:
        return 0.0, 0.0
    rounds = [later - earlier for earlier, later in zip(accepted, accepted[count:], strict=False)]
    mean = sum(rounds) / len(rounds) * traffic.quota / count
    return mean, traffic.window / mean


def _fullest_window(arrivals: Sequence[float], window: float) -> int:
    """Return the most arrivals in any window, refused ones included."""
    return max((at + 1 - bisect_right(arrivals, when - window) for at, when in enumerate(arrivals)), default=0)


def _mean_wait(traffic: Traffic, began: float, arrivals: Sequence[Arrival]) -> float:
    """Return how long the first calls of the campaign waited: as many as the quota allows in the run.

    All calls are due at the start. One not accepted by the end counts with the length of the run.
    """
    places = round(traffic.quota * traffic.windows)
    waits = sorted(arrival.at - began for arrival in arrivals if arrival.accepted)[:places]
    return (sum(waits) + (places - len(waits)) * traffic.seconds) / places


_COLUMNS = (
    ("of quota", "of_the_quota", "{:.1%}"),
    ("429s", "refused", "{}"),
    ("fullest window", "fullest_window", "{}"),
    ("mean wait", "mean_wait_seconds", "{:.1f} s"),
    ("let in", "accepted", "{}"),
)


def table(arms: dict[str, dict[str, Any]]) -> str:
    """Return a table of all limiters, one per line."""
    width = max(len(f"{name} ({arm['how']})") for name, arm in arms.items())
    lines = [" " * width + "".join(f"{title:>16}" for title, _, _ in _COLUMNS)]
    for name, arm in arms.items():
        title = f"{name} ({arm['how']})".ljust(width)
        if "missing" in arm:
            lines.append(f"{title}   {arm['missing']}")
        else:
            lines.append(title + "".join(f"{shape.format(arm[key]):>16}" for _, key, shape in _COLUMNS))
    return "\n".join(lines)

"""Metrics in Prometheus's text format, read from the ledger at each scrape: every web process tells the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis
from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from webhook.door import door
from webhook.errors import problem
from worker.ledger.standing import account_standing, sink_standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from worker.ledger import Ledger

blueprint = Blueprint("metrics", __name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return all metrics, or 503 when the ledger is out of reach: no figure is better than a stale one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Standing(door().ledger))
    try:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)
    except redis.RedisError:
        return problem(503, "The ledger is out of reach.")


class _Standing:
    """How things stand, as metrics."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> Iterator[Metric]:
        """Nothing: what there is to tell is only known from the ledger."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read the ledger."""
        yield from self._accounts()
        yield from self._sinks()
        workers = self._ledger.workers()
        yield GaugeMetricFamily("legwork_workers", "Worker processes heard of lately.", value=len(workers))
        yield GaugeMetricFamily("legwork_worker_threads", "Their threads.", value=sum(workers.values()))

    def _accounts(self) -> Iterator[Metric]:
        received = CounterMetricFamily("legwork_calls_received", "Calls accepted, ever.", labels=["account"])
        settled = CounterMetricFamily("legwork_calls_settled", "Calls settled, ever.", labels=["account"])
        calls = GaugeMetricFamily("legwork_calls", "Unfinished and dead calls, by state.", labels=["account", "state"])
        oldest = GaugeMetricFamily(
            "legwork_oldest_waiting_seconds", "Age of the call that waits longest.", labels=["account"]
        )
        used = GaugeMetricFamily("legwork_quota_used", "Tokens out: flying or cooling down.", labels=["account"])
        limit = GaugeMetricFamily("legwork_quota_limit", "The limit in force.", labels=["account"])
        refused = CounterMetricFamily("legwork_quota_refused", "Answers 429 of Exotel, ever.", labels=["account"])
        state = GaugeMetricFamily("legwork_account_state", "1 for the state it is in.", labels=["account", "state"])
        for sid in self._ledger.calls:
            standing = account_standing(self._ledger, sid)
            received.add_metric([sid], standing.received)
            settled.add_metric([sid], standing.settled)
            for name in ("waiting", "fetching", "dead"):
                calls.add_metric([sid, name], getattr(standing, name))
            oldest.add_metric([sid], standing.oldest_waiting_seconds)
            used.add_metric([sid], standing.look.flying + standing.look.cooling)
            limit.add_metric([sid], standing.look.limit)
            refused.add_metric([sid], standing.refused)
            for name in ("active", "paused", "yielding", "suspended"):
                state.add_metric([sid, name], float(name == standing.state))
        yield from (received, settled, calls, oldest, used, limit, refused, state)

    def _sinks(self) -> Iterator[Metric]:
        delivered = CounterMetricFamily("legwork_deliveries", "Records delivered, ever.", labels=["sink"])
        waiting = GaugeMetricFamily("legwork_deliveries_waiting", "Records that wait for a sink.", labels=["sink"])
        dead = GaugeMetricFamily("legwork_deliveries_dead", "Dead letters of a sink.", labels=["sink"])
        state = GaugeMetricFamily("legwork_sink_state", "1 for the state it is in.", labels=["sink", "state"])
        states = self._ledger.sink_states()
        for spec in self._ledger.sinks.values():
            standing = sink_standing(self._ledger, spec.name, states)
            delivered.add_metric([spec.name], standing.delivered)
            waiting.add_metric([spec.name], standing.waiting)
            dead.add_metric([spec.name], standing.dead)
            for name in ("active", "failing", "disabled"):
                state.add_metric([spec.name, name], float(name == standing.state))
        yield from (delivered, waiting, dead, state)

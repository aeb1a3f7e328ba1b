"""Metrics in Prometheus's text format, read from the ledger at each scrape: every web process serves the same values."""

from __future__ import annotations

from importlib.metadata import version
from itertools import product
from platform import python_version
from typing import TYPE_CHECKING

import redis
from flask import Response
from flask_smorest import Blueprint
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from webhook.context.services import services
from webhook.http.openapi_responses import PUBLIC, UNREADABLE, answered, refusals
from webhook.http.problems import problem
from worker import metrics as catalog
from worker.ledger.capacity import read_capacity
from worker.ledger.meters import SUM
from worker.ledger.queries.totals import totals_of_accounts, totals_of_sinks
from worker.metrics import CATALOG, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric as Family

    from worker.ledger import Ledger
    from worker.metrics import Metric

    # The value of a metric: which one, its labels, how much.
    Value = tuple[Metric, tuple[str, ...], float]

blueprint = Blueprint("metrics", __name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics", tags=["probes"])
@blueprint.doc(
    operationId="metrics",
    security=PUBLIC,
    responses={
        "200": answered("All metrics.", {"type": "string"}, "text/plain"),
        **refusals({"503": "The ledger is unreachable; stale metrics are not served."}),
        **UNREADABLE,
    },
)
def metrics() -> Response:
    """Get metrics.

    In Prometheus's text format; docs/metrics.md lists them. Every web process serves the same values.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(services().ledger))
    try:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)
    except redis.RedisError:
        return problem(503, "The ledger is out of reach.", headers={"Retry-After": "5"})


class _Collector:
    """Collects the catalog's metrics with their values."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> Iterator[Family]:
        """Return nothing: the metrics are known only after reading the ledger."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Read the ledger."""
        # Another process may have added a subscriber.
        self._ledger.refresh_sinks()
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for metric, labels, value in (*_overall(self._ledger), *_accounts(self._ledger), *_sinks(self._ledger)):
            families.setdefault(metric.name, _family(metric)).add_metric(labels, value)
        yield from families.values()
        gathered = [
            metric for metric in CATALOG.values() if metric.kind is not Kind.GAUGE and metric.name not in families
        ]
        yield from _gathered(self._ledger, gathered)


def _family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    return kind(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)


def _gathered(ledger: Ledger, gathered: Iterable[Metric]) -> Iterator[Family]:
    """Return the counters and histograms that all processes add up in the ledger; those of older versions are left out.

    Counters start at zero: Prometheus sees no increase in a series that begins with 1, and the first failed call
    would raise no alert (https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics).
    """
    of_name: dict[str, dict[tuple[str, ...], float]] = {}
    for (name, *rest), value in ledger.meters.read().items():
        of_name.setdefault(name, {})[tuple(rest)] = value
    for metric in gathered:
        found = of_name.get(metric.name, {})
        if metric.kind is Kind.HISTOGRAM:
            yield _histogram(metric, found)
            continue
        family = _family(metric)
        for labels, value in sorted((dict.fromkeys(_series(ledger, metric), 0.0) | found).items()):
            family.add_metric(labels, value)
        yield family


def _series(ledger: Ledger, metric: Metric) -> Iterator[tuple[str, ...]]:
    """Return the label values of all series that a metric may have."""
    of_the_settings = {"account": ledger.calls, "sink": ledger.sinks}
    return product(
        *(values or of_the_settings[label] for label, values in zip(metric.labels, metric.values, strict=True))
    )


def _histogram(metric: Metric, found: dict[tuple[str, ...], float]) -> Family:
    """Make the buckets cumulative, as Prometheus requires."""
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels in sorted({key[:-1] for key in found}):
        total, buckets = 0.0, []
        for number, bound in enumerate([*map(str, map(float, metric.buckets)), "+Inf"]):
            total += found.get((*labels, str(number)), 0.0)
            buckets.append((bound, total))
        family.add_metric(labels, buckets, found.get((*labels, SUM), 0.0))
    return family


def _overall(ledger: Ledger) -> Iterable[Value]:
    yield catalog.BUILD_INFO, (version("legwork"), python_version()), 1
    workers = ledger.workers()
    yield catalog.WORKERS, (), len(workers)
    yield catalog.WORKER_THREADS, (), sum(workers.values())
    capacity = read_capacity(ledger)
    if capacity is not None:
        yield catalog.LEDGER_USED_RATIO, (), capacity.used
        yield catalog.LEDGER_COMMITTED_RATIO, (), capacity.committed
    yield catalog.LEDGER_NEW, (), float(ledger.new_since_ms() is not None)


def _accounts(ledger: Ledger) -> Iterable[Value]:
    for totals in totals_of_accounts(ledger, ledger.calls):
        sid, of_account = totals.sid, (totals.sid,)
        yield catalog.CALLS_RECEIVED, of_account, totals.received
        yield catalog.CALLS_SETTLED, of_account, totals.settled
        for name in catalog.CALLS.values[1]:
            yield catalog.CALLS, (sid, name), getattr(totals, name)
        yield catalog.OLDEST_WAITING_SECONDS, of_account, totals.oldest_waiting_seconds
        yield catalog.OVERDUE_SECONDS, of_account, totals.overdue_seconds
        yield catalog.QUOTA_USED, of_account, totals.look.in_flight + totals.look.cooling_down
        yield catalog.QUOTA_LIMIT, of_account, totals.look.limit
        yield catalog.QUOTA_REFUSED, of_account, totals.refused
        for name in catalog.ACCOUNT_STATE.values[1]:
            yield catalog.ACCOUNT_STATE, (sid, name), float(name == totals.state)


def _sinks(ledger: Ledger) -> Iterable[Value]:
    for totals in totals_of_sinks(ledger, ledger.sinks, ledger.sink_states()):
        name = totals.name
        yield catalog.DELIVERIES, (name,), totals.delivered
        yield catalog.DELIVERIES_WAITING, (name,), totals.waiting
        yield catalog.DELIVERIES_DEAD, (name,), totals.dead
        yield catalog.OLDEST_DELIVERY_SECONDS, (name,), totals.oldest_waiting_seconds
        yield catalog.OVERDUE_DELIVERY_SECONDS, (name,), totals.overdue_seconds
        for state in catalog.SINK_STATE.values[1]:
            yield catalog.SINK_STATE, (name, state), float(state == totals.state)

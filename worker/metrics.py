"""Declare every metric, for the meters, `/metrics` and docs/metrics.md.

Counters and histograms are collected in every process and added up in Redis; a gauge is read from the ledger at each
scrape. So every web process reports the same. Times are in seconds, names and labels as Prometheus advises
(https://prometheus.io/docs/practices/naming/).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The type of a metric, as Prometheus names it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric. `buckets` are a histogram's upper bounds; `+Inf` is implied.

    `values` are the values of each label, in the order of `labels`; empty if they are the accounts or sinks.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    values: tuple[tuple[str, ...], ...] = ()
    buckets: tuple[float, ...] = ()


#: Every metric by its name.
CATALOG: dict[str, Metric] = {}


def _enter(metric: Metric) -> Metric:
    CATALOG[metric.name] = metric
    return metric


def _counter(name: str, meaning: str, **labels: tuple[str, ...]) -> Metric:
    return _enter(Metric(name, Kind.COUNTER, meaning, tuple(labels), tuple(labels.values())))


def _gauge(name: str, meaning: str, **labels: tuple[str, ...]) -> Metric:
    return _enter(Metric(name, Kind.GAUGE, meaning, tuple(labels), tuple(labels.values())))


def _histogram(name: str, meaning: str, *, buckets: tuple[float, ...], **labels: tuple[str, ...]) -> Metric:
    return _enter(Metric(name, Kind.HISTOGRAM, meaning, tuple(labels), tuple(labels.values()), buckets))


# The values are the accounts or sinks in the settings, and the subscribers added at run time.
_OF_THE_SETTINGS: tuple[str, ...] = ()
# Metrics that a process reports about itself only.
_OF_THE_BUILD: tuple[str, ...] = ()
_KINDS = ("passthru", "status")

# From a normal answer in milliseconds to Exotel's 15 s.
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
# From one request's duration to a night.
_LONG = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 10800.0, 43200.0)

CALLBACKS = _counter(
    "legwork_callbacks_total",
    "Callbacks stored: of a `new` call, or of a `known` one; a `test` is only counted.",
    account=_OF_THE_SETTINGS,
    kind=_KINDS,
    outcome=("new", "known", "test"),
)
CALLBACKS_REFUSED = _counter(
    "legwork_callbacks_refused_total",
    "Callbacks refused: wrong `token`, `address` not allowed, `invalid` request, or Redis unavailable or full (`unavailable`).",
    kind=_KINDS,
    reason=("token", "address", "invalid", "unavailable"),
)
ACK_SECONDS = _histogram(
    "legwork_ack_seconds",
    "From a callback's arrival to its response; it is on disk by then.",
    kind=_KINDS,
    buckets=_SHORT,
)
FETCHES = _counter(
    "legwork_fetches_total",
    "Requests to Exotel by outcome: `final`, `not_final`, `throttled` (429), `suspended` (401, 402, 403), "
    "`unreachable` (no usable response).",
    account=_OF_THE_SETTINGS,
    outcome=("final", "not_final", "throttled", "suspended", "unreachable"),
)
FETCH_SECONDS = _histogram(
    "legwork_fetch_seconds", "From a request to Exotel to its response.", account=_OF_THE_SETTINGS, buckets=_SHORT
)
REQUESTS_PER_CALL = _histogram(
    "legwork_requests_per_call",
    "Requests per call until it was final or failed.",
    account=_OF_THE_SETTINGS,
    buckets=(1, 2, 3, 4, 5, 8, 13),
)
SETTLE_WAIT_SECONDS = _histogram(
    "legwork_settle_wait_seconds",
    "From a call's first callback to when its latest fetch was due.",
    account=_OF_THE_SETTINGS,
    buckets=_LONG,
)
QUOTA_WAIT_SECONDS = _histogram(
    "legwork_quota_wait_seconds",
    "From when a fetch was due to its request: waiting for quota or threads.",
    account=_OF_THE_SETTINGS,
    buckets=_LONG,
)
CALLS_DECIDED = _counter(
    "legwork_calls_decided_total",
    "Calls by outcome: `settled` (final), `corrected` (a later fetch differed), `confirmed` (it did not), `dead` (failed).",
    account=_OF_THE_SETTINGS,
    outcome=("settled", "corrected", "confirmed", "dead"),
)
DELIVERY_ATTEMPTS = _counter(
    "legwork_delivery_attempts_total",
    "Attempts to deliver a record: `delivered`, `again` (will be retried), `dead` (became a dead letter), `gone` (410).",
    sink=_OF_THE_SETTINGS,
    outcome=("delivered", "again", "dead", "gone"),
)
DELIVERY_SECONDS = _histogram(
    "legwork_delivery_seconds",
    "Duration of an attempt to deliver a batch of records.",
    sink=_OF_THE_SETTINGS,
    buckets=_SHORT,
)
DELIVERY_WAIT_SECONDS = _histogram(
    "legwork_delivery_wait_seconds",
    "From when a delivery was due to its attempt.",
    sink=_OF_THE_SETTINGS,
    buckets=_LONG,
)
DISPATCHER_TICKS = _counter("legwork_dispatcher_ticks_total", "Rounds of the dispatchers.")
TASKS_DISPATCHED = _counter("legwork_tasks_dispatched_total", "Tasks that the dispatchers published to Celery.")

CALLS_RECEIVED = _counter("legwork_calls_received_total", "Calls accepted.", account=_OF_THE_SETTINGS)
CALLS_SETTLED = _counter("legwork_calls_settled_total", "Calls that became final.", account=_OF_THE_SETTINGS)
CALLS = _gauge(
    "legwork_calls",
    "Unfinished and failed calls by state: `waiting`, `fetching`, `dead` (failed).",
    account=_OF_THE_SETTINGS,
    state=("waiting", "fetching", "dead"),
)
OLDEST_WAITING_SECONDS = _gauge(
    "legwork_oldest_waiting_seconds",
    "Age of the call that has been waiting longest, since its first callback.",
    account=_OF_THE_SETTINGS,
)
OVERDUE_SECONDS = _gauge(
    "legwork_overdue_seconds",
    "How long the most overdue call has been due. A call that waits on purpose is not overdue.",
    account=_OF_THE_SETTINGS,
)
QUOTA_USED = _gauge("legwork_quota_used", "Tokens in use: in flight or cooling down.", account=_OF_THE_SETTINGS)
QUOTA_LIMIT = _gauge(
    "legwork_quota_limit",
    "Effective limit; below EXOTEL_QUOTA while the account is throttled (`yielding`).",
    account=_OF_THE_SETTINGS,
)
QUOTA_REFUSED = _counter("legwork_quota_refused_total", "429 responses of Exotel.", account=_OF_THE_SETTINGS)
ACCOUNT_STATE = _gauge(
    "legwork_account_state",
    "1 for the account's current state: `active`, `paused`, `yielding` (throttled, quota shared), `suspended`.",
    account=_OF_THE_SETTINGS,
    state=("active", "paused", "yielding", "suspended"),
)
DELIVERIES = _counter("legwork_deliveries_total", "Records delivered.", sink=_OF_THE_SETTINGS)
DELIVERIES_WAITING = _gauge(
    "legwork_deliveries_waiting", "Records waiting to be delivered to a sink.", sink=_OF_THE_SETTINGS
)
DELIVERIES_DEAD = _gauge("legwork_deliveries_dead", "Dead letters of a sink.", sink=_OF_THE_SETTINGS)
OLDEST_DELIVERY_SECONDS = _gauge(
    "legwork_oldest_delivery_seconds",
    "Age of the record that has been waiting longest for a sink, since it was queued.",
    sink=_OF_THE_SETTINGS,
)
OVERDUE_DELIVERY_SECONDS = _gauge(
    "legwork_overdue_delivery_seconds", "How long the most overdue record has been due.", sink=_OF_THE_SETTINGS
)
SINK_STATE = _gauge(
    "legwork_sink_state",
    "1 for the sink's current state: `active`, `failing`, `disabled`.",
    sink=_OF_THE_SETTINGS,
    state=("active", "failing", "disabled"),
)
WORKERS = _gauge("legwork_workers", "Worker processes that reported within the last 15 s.")
WORKER_THREADS = _gauge("legwork_worker_threads", "Threads of those workers.")
LEDGER_COMMITTED_RATIO = _gauge(
    "legwork_ledger_committed_ratio",
    "Share of maxmemory in use or committed to accepted calls; from 0.9 on callbacks are answered with 503.",
)
LEDGER_USED_RATIO = _gauge(
    "legwork_ledger_used_ratio",
    "Share of Redis's maxmemory in use; 0 if none is set, absent if Redis does not answer INFO.",
)
BUILD_INFO = _gauge(
    "legwork_build_info",
    "Always 1: the version of Legwork and of Python in the web process that was scraped.",
    version=_OF_THE_BUILD,
    python=_OF_THE_BUILD,
)
LEDGER_NEW = _gauge("legwork_ledger_new", "1 if the ledger was created within the last day.")

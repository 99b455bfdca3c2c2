"""Metrics in Prometheus' text format: requests counted here, figures looked up when asked.

Several web processes count together through files in the folder that PROMETHEUS_MULTIPROC_DIR
names; `offerhub serve` makes one. Not here: who may read them (`routes.metrics`).
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from offerhub import call_metrics
from offerhub.api import queues
from offerhub.api.redis_gate import RedisGate
from offerhub.services.figures import Figures, Observer

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
UNKNOWN_ROUTE: Final = "unknown"
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)

_own = CollectorRegistry()
_requests = Counter(
    "offerhub_http_requests",
    "Answered requests.",
    ("method", "route", "status"),
    registry=_own,
)
_durations = Histogram(
    "offerhub_http_request_duration_seconds",
    "Until the answer began.",
    ("route",),
    buckets=_BUCKETS_S,
    registry=_own,
)


def count_request(*, method: str, route: str | None, status: int, seconds: float) -> None:
    """Count one answered request. route: the rule, never the path, which has no bound."""
    method = method if method in _METHODS else "other"
    _requests.labels(method, route or UNKNOWN_ROUTE, str(status)).inc()
    _durations.labels(route or UNKNOWN_ROUTE).observe(seconds)


def exposition(observer: Observer, gate: RedisGate) -> bytes:
    """Everything, in the text format."""
    looked_up = CollectorRegistry()
    looked_up.register(_LookedUp(observer, gate))
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return b"".join(generate_latest(one) for one in (_own, call_metrics.REGISTRY, looked_up))
    counted = CollectorRegistry()
    MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(looked_up)


class _LookedUp:
    """Collects the figures of the deployment and its queues."""

    def __init__(self, observer: Observer, gate: RedisGate) -> None:
        self._observer = observer
        self._gate = gate

    def collect(self) -> Iterator[Metric]:
        found = self._observer.figures()
        yield _operations(found)
        yield _labelled(
            "offerhub_work_overdue_seconds",
            "For how long the oldest thing is due that nobody has taken up.",
            "queue",
            found.overdue_s,
        )
        yield _single(
            "offerhub_deposit_reading_stopped",
            "Above 0: the chain's history is not whole; deposits wait until it is accepted.",
            found.broken_history,
        )
        yield _single(
            "offerhub_operations_waiting_for_xlm",
            "Operations that wait until a wallet can pay the network's fee.",
            found.waiting_for_xlm,
        )
        yield _single(
            "offerhub_operation_oldest_pending_seconds",
            "Age of the oldest pending operation.",
            found.oldest_pending_s,
        )
        yield _labelled(
            "offerhub_incoming_webhooks", "Received, not applied.", "status", found.inbox
        )
        yield _labelled(
            "offerhub_webhook_deliveries", "Outgoing, not done.", "status", found.deliveries
        )
        yield _single(
            "offerhub_relay_lag_events",
            "Committed events without a place on the stream.",
            found.unsequenced_events,
        )
        yield _single(
            "offerhub_audit_unsealed_records",
            "Audit records that are not sealed yet.",
            found.unsealed_audit_records,
        )
        yield _single(
            "offerhub_ledger_difference_stroops",
            "Assets less liabilities and equity; anything but 0 is an alarm.",
            found.books_difference_stroops,
        )
        if found.book_findings is not None and found.books_checked_age_s is not None:
            yield _single(
                "offerhub_ledger_findings",
                "Broken invariants of the books at their last check; anything but 0 is an alarm.",
                found.book_findings,
            )
            yield _single(
                "offerhub_ledger_check_age_seconds",
                "Since the last check of the books.",
                found.books_checked_age_s,
            )
        yield _labelled(
            "offerhub_outbound_wait_seconds",
            "Until one more call to the provider may be made, behind all that wait.",
            "provider", found.outbound_wait_s,
        )  # fmt: skip
        yield _labelled(
            "offerhub_lease_holders", "1 while a process is the active one.", "lease", found.leases
        )
        yield from _treasury(found)
        yield from self._queues()

    def _queues(self) -> Iterator[Metric]:
        shown: dict[str, Any] = queues.describe(self._gate)
        available = shown["redis"] == "available"
        yield _single("offerhub_redis_up", "Whether Redis answers.", 1 if available else 0)
        for name, field, words in (
            ("offerhub_queue_jobs", "waiting", "Jobs that wait in Redis."),
            ("offerhub_queue_workers", "workers", "Workers of the queue."),
            ("offerhub_queue_failed_jobs", "failed_jobs", "Jobs that failed."),
            (
                "offerhub_queue_oldest_job_seconds",
                "oldest_job_s",
                "For how long the oldest job waits in Redis; 0 when none does.",
            ),
        ):
            numbers = {queue["name"]: queue[field] for queue in shown["queues"]}
            if available:
                yield _labelled(name, words, "queue", numbers)


def _operations(found: Figures) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "offerhub_operations", "Unfinished operations.", labels=("kind", "status")
    )
    for (kind, status), count in sorted(found.operations.items()):
        family.add_metric((kind, status), count)
    return family


def _treasury(found: Figures) -> Iterator[Metric]:
    last = found.reconciliation
    if last.age_s is not None:
        yield _single(
            "offerhub_reconciliation_age_seconds", "Since the last reconciliation.", last.age_s
        )
    yield _labelled(
        "offerhub_reconciliation_differences",
        "Left for the operator by the last reconciliation, by class.",
        "kind",
        last.left,
    )
    yield _labelled(
        "offerhub_treasury_difference_stroops",
        "What the rail holds less what the books say, at the last reconciliation.",
        "rail",
        last.treasury_stroops,
    )
    yield _labelled(
        "offerhub_treasury_shortage_stroops",
        "What the rail is short of what is committed on it; above 0 it cannot pay.",
        "rail",
        found.rail_shortage_stroops,
    )


def _single(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family

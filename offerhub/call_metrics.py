"""Calls to providers, counted for Prometheus by whichever process makes them.

Web processes and workers of one machine count together through files in one folder, which
PROMETHEUS_MULTIPROC_DIR names before this module is first imported. Not here: showing the figures
(`api.metrics`).
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# The longest call is one that Trustless Work answers after a ledger or two.
_BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REGISTRY: Final = CollectorRegistry()
_calls = Counter(
    "offerhub_provider_calls",
    "Calls to providers, by how they ended.",
    ("provider", "outcome"),
    registry=REGISTRY,
)
_durations = Histogram(
    "offerhub_provider_call_duration_seconds",
    "From asking a provider until its answer, or until it was given up.",
    ("provider",),
    buckets=_BUCKETS_S,
    registry=REGISTRY,
)


def count_call(provider: str, outcome: str, seconds: float) -> None:
    """Count one call; the hook of `providers.http`, with its words for outcomes."""
    _calls.labels(provider, outcome).inc()
    _durations.labels(provider).observe(seconds)

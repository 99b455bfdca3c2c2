"""Fixtures of the Airtm half: a running sandbox, clients for it, and a webhook receiver."""

import pytest

from tests.sandbox.airtm_world import (
    WEBHOOK_SECRET,
    Sink,
    airtm_client,
    control_client,
    running,
)

USD = 10_000_000


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def sandbox(sink):
    """A sandbox with 1 000.00 available that sends its webhooks to `sink`."""
    with running(
        webhook_url=sink.url,
        webhook_secret=WEBHOOK_SECRET,
        airtm_available_stroops=1_000 * USD,
    ) as server:
        yield server


@pytest.fixture
def airtm(sandbox):
    with airtm_client(sandbox) as client:
        yield client


@pytest.fixture
def control(sandbox):
    with control_client(sandbox) as client:
        yield client

"""The deployment that journeys share, and its logs when one of them fails."""

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.fixtures.ports import free_port
from tests.journeys.market import Market, People, close_market, open_market


@pytest.fixture(scope="session")
def market() -> Iterator[Market]:
    """One deployment on SQLite, with all its processes, for all journeys of this test process."""
    with tempfile.TemporaryDirectory(prefix="oh-") as folder:
        home = Path(folder) / "market"
        try:
            yield open_market(home, port=free_port(), sandbox_port=free_port())
        finally:
            close_market(home)


@pytest.fixture(scope="session")
def people(market: Market) -> People:
    """A buyer with enough for all orders, and a seller."""
    return market.people(deposit="3000.00")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for all that share the deployment."""
    for item in items:
        if "tests/journeys/" in item.nodeid and "people" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("journeys"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    market = getattr(item, "funcargs", {}).get("market")
    if report.failed and isinstance(market, Market):
        report.sections += [(f"log of {name}", tail) for name, tail in market.logs()]
    return report

"""The same worlds as the services' tests have.

By default the faults are played on SQLite; `--full` plays them on Postgres too. What differs
between the two is the store, and its own tests run on both.
"""

import pytest

from tests.services.conftest import _module_world, plain_logs, shared_world, world

__all__ = ["_module_world", "plain_logs", "shared_world", "world"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/faults/" in item.nodeid and "postgres" in item.nodeid:
            item.add_marker(pytest.mark.full)

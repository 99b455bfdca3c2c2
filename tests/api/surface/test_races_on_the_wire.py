"""The races of `test_races`, on both databases, over sockets: gunicorn with two processes answers.

Within one process a lock of Python's could be what makes a race harmless; here it cannot.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.caller import BASE, Caller
from tests.api.surface.market import Market
from tests.api.surface.test_races import (  # noqa: F401 - collected here once more
    pair,
    test_a_refund_and_a_release_exclude_each_other,
    test_a_top_up_confirmed_while_an_order_reserves_is_neither_lost_nor_spent_twice,
    test_a_withdrawal_is_committed_or_canceled_and_the_money_is_in_one_place,
    test_each_milestone_is_paid_once_whatever_else_is_asked_for,
    test_of_different_splits_at_once_one_is_carried_out,
    test_of_six_cancels_one_counts_while_another_order_is_reserved,
    test_of_six_copies_of_a_webhook_at_once_one_is_new_and_its_money_comes_once,
    test_of_six_requests_to_fund_an_escrow_one_moves_money,
    test_of_six_reserves_of_an_order_one_counts,
    test_of_withdrawals_of_more_than_the_balance_as_many_are_paid_as_it_holds,
    test_reserves_and_cancels_of_an_order_leave_nothing_reserved,
)
from tests.fixtures.processes import Launch
from tests.services.world import MovedClock

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
MANY = "1000000"


class _ServersClock(MovedClock):
    """What the tests skip is skipped for the work alone; the server has the machine's time."""

    def __init__(self, moved: MovedClock) -> None:
        self._moved = moved

    def skip(self, seconds: float) -> None:
        self._moved.skip(seconds)

    def now(self) -> datetime:
        return datetime.now(UTC)


class _Answer:
    """A response as the tests' own client gives it."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code, self.headers = response.status_code, response.headers
        self.text, self.data = response.text, response.content
        self.json: Any = json.loads(response.content) if response.content else None


@dataclass(frozen=True)
class Wire(Caller):
    """Calls over sockets; each request has a connection of its own, so all processes get some."""

    client: httpx.Client = field(default_factory=httpx.Client)

    def send(  # type: ignore[override]
        self, method: str, path: str, *, body: Any = None, raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> _Answer:  # fmt: skip
        sent = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if raw is None and body is not None:
            raw = json.dumps(body).encode()
        sent |= {"Content-Type": "application/json"} if raw is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        return _Answer(self.client.request(method, BASE + path, content=raw, headers=sent))


@pytest.fixture
def market(
    market: Market, launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> Iterator[Market]:
    """The module's market, asked through a server of two processes."""
    world, port = market.world, free_port()
    limits = ("PER_MIN", "TOPUPS_PER_MIN", "WITHDRAWALS_PER_MIN", "FAILED_LOGINS_PER_MIN")
    environ = {
        **world.environ,
        **{f"OFFERHUB_RATE_LIMIT_{name}": MANY for name in limits},
        "OFFERHUB_BIND": f"127.0.0.1:{port}",
        "OFFERHUB_WEB_WORKERS": "2",
        "OFFERHUB_HOME": "",
        "PYTHONPATH": os.getcwd(),
    }
    url = f"http://127.0.0.1:{port}"
    launch(
        sys.executable, "-m", "offerhub.cli", "serve",
        env=environ, cwd=tmp_path, ready_url=f"{url}{BASE}/health/live", timeout_s=180,
    )  # fmt: skip
    limits_of_client = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    with httpx.Client(base_url=url, timeout=60, limits=limits_of_client, trust_env=False) as client:
        served = replace(world, clock=_ServersClock(world.clock))
        api = Wire(market.api.flask_app, served, market.api.key, market.api.key_id, client=client)
        yield replace(market, api=api)

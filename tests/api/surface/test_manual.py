"""The manual's pages against what the API does."""

import base64
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from offerhub.api.app import BASE_PATH
from offerhub.services.deliveries import SCHEDULE_S
from tests.api.surface.contract import ROWS
from tests.api.surface.market import Market

MANUAL = Path(__file__).parents[3] / "docs" / "api"
_NAMED = re.compile(r"`((?:[A-Z]+(?:`, `| ))+)?(/[a-z][^`?\s]*)")


def _page(name: str) -> str:
    return (MANUAL / f"{name}.md").read_text(encoding="utf-8")


def test_the_verification_of_the_manual_verifies_a_real_webhook() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", _page("webhooks"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    body, at = '{"event_type":"order.created"}', datetime.now(UTC)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("evt_1", at, body),
    }
    assert names["receive"](headers, body.encode(), secret) == {"event_type": "order.created"}
    assert names["receive"](headers, b"{}", secret) is None


def test_the_manual_names_the_waits_between_attempts() -> None:
    said = "5 seconds, 5 and 30\nminutes, 2, 5, 10, 14, 20 and 24 hours"
    assert said in _page("webhooks")
    assert (5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24))) == SCHEDULE_S


@pytest.mark.parametrize("name", ["admin", "disputes", "webhooks", "guide"])
def test_paths_in_the_manual_are_paths_of_the_api(name: str) -> None:
    known = {re.sub(r"\{\w+\}", "{}", row.path) for row in ROWS}
    named = {
        re.sub(r"\{\w+\}", "{}", path).removeprefix(BASE_PATH).rstrip("/")
        for _, path in _NAMED.findall(_page(name))
    }
    assert sorted(named - known) == []


def test_fees_are_told_truly(market: Market) -> None:
    """The manual's row of a release: 120.00 at 5 % pays 113.64."""
    assert "| release of 120.00 | 0.36 and 6.00 | seller 113.64 |" in _page("disputes")
    seller = market.user()
    order_id = market.in_progress("120.00", platform_fee_bps=500, seller_id=seller)
    market.api.made(f"/orders/{order_id}/release")
    market.world.drain()
    assert market.available(seller) == "113.6400000"

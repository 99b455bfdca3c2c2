"""The manual's pages against what the API does."""

import base64
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from offerhub.api.app import BASE_PATH
from offerhub.ports.outgoing import Answered
from offerhub.sdk import MilestoneSpec, OfferHub
from offerhub.services.deliveries import SCHEDULE_S
from tests.api.caller import open_api
from tests.api.surface.contract import ROWS
from tests.api.surface.market import Market
from tests.services.world import SELLER_EMAIL

SDK_EXAMPLES = (
    "Users and their money", "Top-ups", "Milestones", "Disputes", "Refunds", "Withdrawals",
    "Webhooks", "Keys and tokens",
)  # fmt: skip
MANUAL = Path(__file__).parents[3] / "docs" / "api"
_NAMED = re.compile(r"`((?:[A-Z]+(?:`, `| ))+)?(/[a-z][^`?\s]*)")


def _page(name: str) -> str:
    return (MANUAL / f"{name}.md").read_text(encoding="utf-8")


def test_the_verification_of_the_manual_verifies_a_real_webhook() -> None:
    names: dict[str, Any] = {}
    for source in re.findall(r"```python\n(.*?)```", _page("webhooks"), re.DOTALL):
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
    by_hand = names["is_from_offerhub"]
    assert by_hand(headers, body.encode(), secret)
    rotated = f"v1,{'A' * 43}= {headers['webhook-signature']}"
    assert by_hand({**headers, "webhook-signature": rotated}, body.encode(), secret)
    assert not by_hand(headers, b"{}", secret)
    old = str(int(at.timestamp()) - 301)
    resigned = Webhook(secret).sign("evt_1", datetime.fromtimestamp(int(old), UTC), body)
    stale = {**headers, "webhook-timestamp": old, "webhook-signature": resigned}
    assert not by_hand(stale, body.encode(), secret)
    Webhook(secret).verify(body, names["signed"]("msg_1", body.encode(), secret))


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


class _Refusing:
    """A receiver of webhooks that answers 500."""

    def check(self, url: str) -> None:
        """Every address is good."""

    def post(self, url: str, **_: Any) -> Answered:
        return Answered(500)


@pytest.mark.usefixtures("background_worker")
def test_the_examples_of_the_sdks_page_do_what_they_say(market: Market) -> None:
    """In the page's order, with one client over the whole API; their own assertions hold."""
    page = (MANUAL.parent / "sdk.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    app = replace(market.world.app, webhook_sender=_Refusing())
    api = open_api(market.world, app=app)
    kept: list[object] = []
    names: dict[str, Any] = {
        "buyer_id": market.buyer, "seller_id": market.seller, "MilestoneSpec": MilestoneSpec,
        "stellar_address": market.world.control("POST", "/stellar/outside-account")["address"],
        "remember": kept.append, "send_user_to": kept.append,
        "give_to_browser": lambda token, _: kept.append(token),
    }  # fmt: skip
    transport = httpx.WSGITransport(app=api.flask_app)
    with OfferHub("http://localhost", api.key, transport=transport, max_retries=0) as hub:
        names["hub"] = hub
        late = hub.orders.create(
            buyer_id=market.buyer, seller_id=market.seller, amount="10.00", title="Late"
        )
        hub.orders.reserve(late.id)
        hub.orders.create_escrow(late.id, wait_s=30)
        hub.orders.fund_escrow(late.id, wait_s=30)
        names["late_order_id"] = late.id
        for section in SDK_EXAMPLES:
            (source,) = re.findall(r"```python\n(.*?)```", sections[section], re.DOTALL)
            exec(source.replace("ben@example.com", SELLER_EMAIL), names)
    assert names["order"].status == "CLOSED"
    assert names["withdrawal"].status == "WITHDRAWAL_COMMITTED"
    topup = f"/topups/{names['topup'].id}"
    market.world.until(lambda: market.shown(topup)["status"] == "TOPUP_CANCELED")
    assert names["came_back"].status_code == 500
    checkout, secret, key, token = map(str, kept)
    assert checkout.startswith("http")
    assert (secret[:6], key[:9], token[:8]) == ("whsec_", "ohk_test_", "ohk_tok_")

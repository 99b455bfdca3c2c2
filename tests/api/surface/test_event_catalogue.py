"""Every event of the catalogue, caused over HTTP and seen on the stream and in webhooks."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from offerhub.api.examples import event_schema
from offerhub.domain.events import EVENT_TYPES
from offerhub.services import deliveries
from tests.api.conformance import validates
from tests.api.surface.market import Market
from tests.api.surface.test_webhook_endpoints import Sink, _is_signed, sink  # noqa: F401
from tests.api.test_events import Reader
from tests.services.sending import send_all_due
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL

LANDINGS = {"return_url": "https://shop.example/done", "cancel_url": "https://shop.example/cart"}


def _users(market: Market) -> None:
    user = market.user()
    for status in ("SUSPENDED", "ACTIVE"):
        assert market.patch(f"/users/{user}", {"status": status}).status_code == 200
    market.credit(user, "1.00")
    email = f"{uuid4().hex[:8]}@example.com"
    market.world.control("POST", "/airtm/users", email=email, first_name="Ana", last_name="Ruiz")
    market.api.made(f"/users/{user}/airtm/link", {"email": email})
    market.api.made(
        f"/users/{user}/balance/adjustments",
        {"amount": "1.00", "direction": "DEBIT", "reason": "taken back", "reference": user},
    )
    key = market.api.made("/auth/api-keys", {"name": "short-lived", "scopes": ["read"]})
    assert market.api.delete(f"/auth/api-keys/{key['id']}").status_code == 204


def _topup(market: Market) -> dict[str, Any]:
    made = market.api.made("/topups", {"user_id": market.buyer, "amount": "20.00", **LANDINGS})
    market.world.drain()
    return dict(market.shown(f"/topups/{made['id']}"))


def _topups(market: Market) -> None:
    """One that is seen on its way and succeeds, one that fails, one that is canceled."""
    control, api = market.world.control, market.api
    control("PATCH", "/airtm/knobs", payin_settle_delay_ms=3_600_000)
    slow, failing, canceled = _topup(market), _topup(market), _topup(market)
    control("POST", f"/payins/{slow['airtm_payin_id']}/pay", email=BUYER_EMAIL)
    assert api.made(f"/topups/{slow['id']}/refresh")["status"] == "TOPUP_PROCESSING"
    control("POST", f"/payins/{slow['airtm_payin_id']}/confirm")
    control("PATCH", "/airtm/knobs", payin_settle_delay_ms=0)
    assert api.made(f"/topups/{slow['id']}/refresh")["status"] == "TOPUP_SUCCEEDED"
    control("POST", f"/payins/{failing['airtm_payin_id']}/fail")
    assert api.made(f"/topups/{failing['id']}/refresh")["status"] == "TOPUP_FAILED"
    api.made(f"/topups/{canceled['id']}/cancel")
    market.world.drain()


def _withdrawal(market: Market, *, commit: bool = True) -> str:
    market.credit(market.seller, "10.00")
    body = {
        "user_id": market.seller, "amount": "10.00", "destination_type": "AIRTM_BALANCE",
        "destination_ref": SELLER_EMAIL, "commit": commit,
    }  # fmt: skip
    made = market.api.made("/withdrawals", body)
    market.world.drain()
    return str(made["id"])


def _withdrawals(market: Market) -> None:
    """One through all states to its end, one that fails, one that is canceled."""
    control, api = market.world.control, market.api
    control("PATCH", "/airtm/knobs", payout_auto=False)
    first = _withdrawal(market)
    for step, status in (
        ("process", "WITHDRAWAL_PENDING"),
        ("wait", "WITHDRAWAL_PENDING_USER_ACTION"),
        ("complete", "WITHDRAWAL_COMPLETED"),
    ):
        control("POST", f"/payouts/{first}/{step}")
        assert api.made(f"/withdrawals/{first}/refresh")["status"] == status
    failing = _withdrawal(market)
    control("POST", f"/payouts/{failing}/fail")
    assert api.made(f"/withdrawals/{failing}/refresh")["status"] == "WITHDRAWAL_FAILED"
    control("PATCH", "/airtm/knobs", payout_auto=True)
    api.made(f"/withdrawals/{_withdrawal(market, commit=False)}/cancel")
    market.world.drain()


def _orders(market: Market) -> None:
    """Canceled, released, refunded, paid by a milestone, and resolved in a dispute."""
    api = market.api
    order_id = market.order("1.00")
    for step in ("reserve", "cancel"):
        api.made(f"/orders/{order_id}/{step}")
    api.made(f"/orders/{market.in_progress('1.00')}/release")
    api.made(f"/orders/{market.in_progress('1.00')}/refund")
    order_id = market.with_milestones((("draft", "60.00"), ("final", "40.00")))
    for step in ("complete", "release"):
        api.made(f"/orders/{order_id}/milestones/draft/{step}")
        market.world.drain()
    dispute_id = market.disputed(market.in_progress("1.00"))
    api.made(f"/disputes/{dispute_id}/comments", {"body": "A photo, please."})
    api.made(f"/disputes/{dispute_id}/resolve", {"decision": "FULL_RELEASE"})
    market.world.drain()


def _operator(market: Market) -> None:
    """Maintenance, a stuck operation settled by hand, a difference that reconciliation finds."""
    api, world = market.api, market.world
    for enabled in (True, False):
        answer = api.send("PUT", "/admin/maintenance", body={"enabled": enabled})
        assert answer.status_code == 200
    market.credit(market.seller, "10.00")
    body = {
        "user_id": market.seller, "amount": "10.00", "destination_type": "AIRTM_BALANCE",
        "destination_ref": SELLER_EMAIL, "commit": True,
    }  # fmt: skip
    made = api.made("/withdrawals", body)
    world.fault("error_503_before", provider="airtm", times=10_000)
    world.drain()
    world.healthy()
    operation = market.shown(f"/withdrawals/{made['id']}")["operation"]
    api.made(
        f"/admin/operations/{operation['id']}/settle", {"outcome": "CLOSED", "reason": "by hand"}
    )
    world.control("POST", "/airtm/balance/credit", amount="0.01")
    assert api.made("/admin/reconciliations")["status"] == "DIFFERENCES"


@pytest.fixture
def everything(market: Market, sink: Sink) -> Iterator[dict[str, Any]]:  # noqa: F811 - a fixture
    """All that can happen, with an endpoint that wants all of it."""
    market.sequence()
    endpoint = market.api.made("/webhook-endpoints", {"url": sink.url, "events": ["*"]})
    _users(market)
    _topups(market)
    _withdrawals(market)
    _orders(market)
    _operator(market)
    yield endpoint
    market.api.delete(f"/webhook-endpoints/{endpoint['id']}")


def _stream(market: Market, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = 0
    while True:
        answer = market.api.get(f"/events?limit=100&cursor={cursor}{query}").json
        found += answer["data"]
        if not answer["pagination"]["has_more"]:
            return found
        cursor = found[-1]["sequence"]


def _followed(market: Market, count: int) -> list[dict[str, Any]]:
    """The first so many events of the stream, as Server-Sent Events."""
    reader = Reader(market.api, Last_Event_ID="0")
    found: list[dict[str, Any]] = []
    while len(found) < count:
        message = reader.next()
        if "sequence" in message.get("data", {}):
            assert (message["id"], message["event"]) == (
                str(message["data"]["sequence"]), message["data"]["event_type"],
            )  # fmt: skip
            found.append(message["data"])
    reader.close()
    return found


def test_every_event_of_the_catalogue_is_on_the_stream_and_in_webhooks(
    market: Market,
    everything: dict[str, Any],
    sink: Sink,  # noqa: F811 - the fixture
) -> None:
    market.sequence()
    events = _stream(market)
    seen = {event["event_type"] for event in events}
    assert sorted(set(EVENT_TYPES) - seen) == []
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert event["aggregate_type"] == event["event_type"].split(".")[0]
        assert event["metadata"]["marketplace_id"] == market.world.app.policy.marketplace_id
        validates(event_schema(event["event_type"]), event)
    assert _followed(market, len(events)) == events

    deliveries.fan_out(market.world.ctx)
    while send_all_due(market.world.ctx):
        pass
    sent = [json.loads(body) for _, body in sink.got]
    assert {event["event_type"] for event in sent} == set(EVENT_TYPES)
    assert all(_is_signed(everything["secret"], headers, body) for headers, body in sink.got)
    by_id = {event["event_id"]: event for event in events}
    assert all(by_id[event["event_id"]] == event for event in sent)
    order = [event["sequence"] for event in sent]
    assert len(order) == len(set(order))

    seller = {e["event_id"] for e in _stream(market, f"&user_id={market.seller}")}
    assert seller == {
        event["event_id"] for event in events if market.seller in event["metadata"]["user_ids"]
    }

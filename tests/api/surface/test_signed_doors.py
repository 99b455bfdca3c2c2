"""Doors with secrets of their own: hints about contracts, and metrics."""

import base64
import json
import os
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families
from standardwebhooks.webhooks import Webhook

from offerhub.api.app import create_app
from offerhub.providers.trustlesswork.webhooks import TrustlessWorkWebhooks
from offerhub.services import inbox
from offerhub.services.flows.registry import FLOWS
from offerhub.services.operations import ESCROW_DEPLOY
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic
from offerhub.store.inbox import InboxEvent
from tests.api.caller import Caller, code, open_api
from tests.api.surface.market import Market

SECRET = "whsec_" + base64.b64encode(os.urandom(32)).decode()
METRICS_TOKEN = "m" * 32
DOOR = "/webhooks/trustless-work"


@pytest.fixture
def hinted(market: Market) -> Caller:
    """The API of a deployment that takes signed hints."""
    app = replace(market.world.app, escrow_webhooks=TrustlessWorkWebhooks(SECRET))
    return open_api(market.world, app=app).with_key(None)


def _send(caller: Caller, body: Any, *, name: str | None = None, secret: str = SECRET) -> Any:
    raw = json.dumps(body)
    name, at = name or f"msg_{uuid4().hex}", caller.world.clock.now()
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, raw),
    }
    return caller.send("POST", DOOR, raw=raw.encode(), headers=headers)


def _stored(name: str) -> InboxEvent:
    with atomic():
        return InboxEvent.get(InboxEvent.event_id == name)


def test_without_a_secret_no_hint_is_taken(market: Market) -> None:
    answer = _send(market.api.with_key(None), {"contractId": "C"})
    assert (answer.status_code, code(answer)) == (503, "PROVIDER_UNAVAILABLE")
    assert "Retry-After" in answer.headers


def test_a_hint_is_taken_once_and_wakes_the_work_on_its_contract(
    market: Market, hinted: Caller
) -> None:
    order_id = market.in_progress("10.00")
    contract = market.shown(f"/orders/{order_id}")["escrow"]["trustless_contract_id"]
    operation = market.api.made(f"/orders/{order_id}/release")["operation"]
    later = market.world.app.now_ms() + 3_600_000
    with atomic():
        operations_store.Operation.update(next_run_at=later).where(
            operations_store.Operation.id == operation["id"]
        ).execute()
    body = {"type": "escrow.released", "data": {"contract_id": contract, "status": "RELEASED"}}
    name = f"msg_{uuid4().hex}"
    first, again = _send(hinted, body, name=name), _send(hinted, body, name=name)
    assert (first.status_code, first.json["data"]) == (200, {"duplicate": False})
    assert (again.status_code, again.json["data"]) == (200, {"duplicate": True})
    assert market.shown(f"/orders/{order_id}")["status"] == "RELEASE_REQUESTED"
    inbox.process_due(market.world.ctx)
    row = _stored(name)
    assert (row.provider, row.event_type, row.code, row.status) == (
        "trustless_work", "escrow.released", contract, "APPLIED",
    )  # fmt: skip
    with atomic():
        woken = operations_store.get(operation["id"])
        assert woken is not None
        assert woken.next_run_at <= market.world.app.now_ms()
    assert market.shown(f"/orders/{order_id}")["status"] == "RELEASE_REQUESTED"  # it is a hint
    market.world.drain()
    assert market.shown(f"/orders/{order_id}")["resolution"] == "RELEASED"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"type": "escrow.funded"}, "names no object"),
        ({"type": "escrow.funded", "contractId": "not-a-contract"}, "names no object"),
        ({"contractId": "C" + "A" * 55}, "not one of ours"),
        ({"data": {"contract_id": "idle"}}, "no work on this contract"),
    ],
)
def test_a_hint_that_helps_nobody_is_ignored_with_a_reason(
    market: Market, hinted: Caller, body: dict[str, Any], reason: str
) -> None:
    if body.get("data", {}).get("contract_id") == "idle":
        shown = market.shown(f"/orders/{market.in_progress('1.00')}")
        body = {"data": {"contract_id": shown["escrow"]["trustless_contract_id"]}}
    name = f"msg_{uuid4().hex}"
    assert _send(hinted, body, name=name).status_code == 200
    inbox.process_due(market.world.ctx)
    row = _stored(name)
    assert (row.status, reason in str(row.reason)) == ("IGNORED", True), row.reason


def test_a_forged_or_unreadable_hint_is_refused(hinted: Caller) -> None:
    forged = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    answer = _send(hinted, {"contractId": "C"}, secret=forged)
    assert (answer.status_code, code(answer)) == (400, "WEBHOOK_SIGNATURE_INVALID")
    unsigned = hinted.send("POST", DOOR, raw=b"{}")
    assert (unsigned.status_code, code(unsigned)) == (400, "WEBHOOK_SIGNATURE_INVALID")
    listed = _send(hinted, ["C"])
    assert (listed.status_code, code(listed)) == (400, "INVALID_REQUEST")


@pytest.fixture
def measured(market: Market) -> Caller:
    """The API of a deployment with a metrics token, called with that token."""
    world = market.world
    flask_app = create_app(
        world.app,
        master_key=world.environ["OFFERHUB_MASTER_KEY"],
        token_secret=world.environ["OFFERHUB_TOKEN_SECRET"],
        metrics_token=METRICS_TOKEN,
    )
    return Caller(flask_app, world, METRICS_TOKEN)


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_off_without_a_token_and_open_to_it_alone(
    market: Market, measured: Caller
) -> None:
    assert market.api.get("/metrics").status_code == 404
    for key in (None, "n" * 32, market.api.key, market.world.environ["OFFERHUB_MASTER_KEY"]):
        answer = measured.with_key(key).get("/metrics")
        assert (answer.status_code, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer"), key
    answer = measured.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")


def test_metrics_count_requests_and_show_what_waits(market: Market, measured: Caller) -> None:
    before = _samples(measured.get("/metrics").text)
    market.api.get(f"/users/{market.buyer}")
    market.api.get("/users/usr_000000000000000000000")
    market.api.with_key(None).get("/nowhere/at/all")
    order_id = market.order("1.00")
    market.api.made(f"/orders/{order_id}/reserve")
    market.api.made(f"/orders/{order_id}/escrow")
    fresh = create_app(
        market.world.app, master_key="m" * 32, token_secret="t" * 32, metrics_token=METRICS_TOKEN
    )
    after = _samples(Caller(fresh, market.world, METRICS_TOKEN).get("/metrics").text)
    market.world.drain()

    def grown(route: str, status: int, method: str = "GET") -> float:
        labels = (("method", method), ("route", route), ("status", str(status)))
        name = ("offerhub_http_requests_total", labels)
        return after.get(name, 0) - before.get(name, 0)

    assert grown("/api/v1/users/<user_id>", 200) == 1
    assert grown("/api/v1/users/<user_id>", 404) == 1
    assert grown("unknown", 404) == 1
    assert grown("/api/v1/orders", 201, "POST") == 1
    deploying = (("kind", ESCROW_DEPLOY), ("status", "PENDING"))
    assert after["offerhub_operations", deploying] == 1
    live = {name[1]: count for name, count in after.items() if name[0] == "offerhub_operations"}
    assert len(live) == 2 * (len(FLOWS) + 1), "every kind has its zeros; there is no other label"
    assert sum(count for labels, count in live.items() if ("status", "PENDING") in labels) == 1
    for queue in ("critical", "webhooks", "deliveries"):
        assert ("offerhub_work_overdue_seconds", (("queue", queue),)) in after
    assert after["offerhub_operation_oldest_pending_seconds", ()] > 0
    assert after["offerhub_relay_lag_events", ()] > 0
    assert after["offerhub_ledger_difference_stroops", ()] == 0
    assert after["offerhub_treasury_shortage_stroops", (("rail", "STELLAR"),)] == 0
    assert after["offerhub_treasury_difference_stroops", (("rail", "AIRTM"),)] == 0
    assert after["offerhub_redis_up", ()] == 1
    for queue in ("critical", "webhooks", "deliveries", "maintenance"):
        assert after["offerhub_queue_workers", (("queue", queue),)] == 0
        assert after["offerhub_queue_oldest_job_seconds", (("queue", queue),)] == 0
    assert ("offerhub_incoming_webhooks", (("status", "DEAD"),)) in after
    assert ("offerhub_webhook_deliveries", (("status", "PENDING"),)) in after
    text = measured.get("/metrics").text
    assert market.buyer not in text  # a path has no bound; a route has

"""One good request of every operation, in an order in which they make sense."""

import json
from typing import Any
from uuid import uuid4

from svix.webhooks import Webhook

from offerhub.services import deliveries
from tests.api.caller import Caller
from tests.api.surface import test_administration as administration
from tests.api.surface.market import Market
from tests.api.surface.recording import Recorder
from tests.services.world import SELLER_EMAIL

LANDINGS = {"return_url": "https://shop.example/done", "cancel_url": "https://shop.example/cart"}


def told(market: Market, recorder: Recorder, *, sink_url: str) -> None:
    """Ask for everything once. sink_url: where webhooks go."""
    api = market.api
    for path in ("/health", "/health/live", "/health/ready"):
        api.with_key(None).get(path)
    _keys(market)
    _person(market)
    _money_in(market, recorder)
    _orders(market, recorder)
    _milestones(market, recorder)
    _dispute(market, recorder)
    _money_out(market, recorder)
    _webhooks(market, sink_url)
    for path in ("/audit/logs?limit=1", "/audit/verify", "/events?limit=1"):
        api.get(path)
    _operator(market)


def _keys(market: Market) -> None:
    api = market.api
    api.get("/me")
    api.get("/config")
    made = api.made("/auth/api-keys", {"name": "backend", "scopes": ["read", "write"]})
    body = {"ttl_seconds": 900, "scopes": ["read"], "user_id": market.buyer}
    api.made(f"/auth/api-keys/{made['id']}/token", body)
    api.get("/auth/api-keys?limit=1")
    api.delete(f"/auth/api-keys/{made['id']}")


def _person(market: Market) -> None:
    api, name = market.api, f"customer-{uuid4().hex[:6]}"
    body = {"external_user_id": name, "type": "BOTH", "email": "ana@example.com"}
    user = api.made("/users", {**body, "metadata": {"tier": "gold"}})["id"]
    market.world.drain()
    path = f"/users/{user}"
    email = f"{uuid4().hex[:8]}@example.com"
    market.world.control("POST", "/airtm/users", email=email, first_name="Ana", last_name="Ruiz")
    api.made(f"{path}/airtm/link", {"email": email})
    market.patch(path, {"type": "BOTH", "metadata": {"tier": "gold"}})
    market.world.deposit(market.shown(f"{path}/wallet")["address"], "150.00")
    api.made(f"{path}/balance/sync")
    api.made(
        f"{path}/balance/adjustments",
        {"amount": "5.00", "direction": "CREDIT", "reason": "goodwill", "reference": "ticket-7"},
    )
    for more in ("", "/balance", "/ledger?limit=1", "/wallet/deposit", "/wallet/transactions"):
        api.get(path + more)
    api.get("/users?limit=1")


def _money_in(market: Market, recorder: Recorder) -> None:
    api = market.api
    made = api.made("/topups", {"user_id": market.buyer, "amount": "50.00", **LANDINGS})
    market.world.drain()
    path = f"/topups/{made['id']}"
    recorder.final("create_topup", market.shown(path))
    api.made(f"{path}/refresh")
    api.get("/topups?limit=1")
    api.made(f"{path}/cancel")
    market.world.drain()
    recorder.final("cancel_topup", market.shown(path))
    signer = Webhook(market.world.environ["AIRTM_WEBHOOK_SECRET"])
    name, at = f"msg_{made['id']}", market.world.clock.now()
    raw = json.dumps({"type": "payin.canceled", "data": {"code": made["id"]}})
    headers = {
        "svix-id": name, "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": signer.sign(name, at, raw),
    }  # fmt: skip
    api.with_key(None).send("POST", "/webhooks/airtm", raw=raw.encode(), headers=headers)


def _orders(market: Market, recorder: Recorder) -> None:
    api = market.api
    body = {
        "buyer_id": market.buyer, "seller_id": market.seller, "amount": "100.00",
        "title": "Logo design", "client_order_ref": f"order-{uuid4().hex[:6]}",
        "platform_fee_bps": 500,
    }  # fmt: skip
    path = f"/orders/{api.made('/orders', body)['id']}"
    api.made(f"{path}/reserve", {"amount": "100.00"})
    for step, name in (("escrow", "create_escrow"), ("escrow/fund", "fund_escrow")):
        api.made(f"{path}/{step}")
        market.world.drain()
        recorder.final(name, market.shown(path))
    api.made(f"{path}/release", {"reason": "delivered", "requested_by": "BUYER"})
    market.world.drain()
    recorder.final("release_order", market.shown(path))
    recorder.operations.pop("get_order", None)  # now it has its whole timeline
    api.get(path)
    back = f"/orders/{market.in_progress('40.00')}"
    api.made(f"{back}/refund", {"reason": "not delivered", "requested_by": "SELLER"})
    market.world.drain()
    recorder.final("refund_order", market.shown(back))
    api.made(f"/orders/{market.order('10.00')}/cancel", {"reason": "changed my mind"})
    recorder.operations.pop("list_orders", None)
    api.get("/orders?limit=1&status=CLOSED")


def _milestones(market: Market, recorder: Recorder) -> None:
    order = f"/orders/{market.with_milestones()}"
    path = f"{order}/milestones"
    body = {"evidence_url": "https://shop.example/draft.png", "note": "First draft"}
    for step, name, sent in (
        ("complete", "complete_milestone", body), ("release", "release_milestone", {}),
    ):  # fmt: skip
        market.api.made(f"{path}/draft/{step}", sent)
        market.world.drain()
        recorder.final(name, market.shown(path)["milestones"][0])


def _dispute(market: Market, recorder: Recorder) -> None:
    api = market.api
    body = {
        "opened_by": "BUYER", "reason": "QUALITY_ISSUE", "note": "Two of three drafts came.",
        "evidence": ["https://shop.example/drafts.png"],
    }  # fmt: skip
    made = api.made(f"/orders/{market.in_progress('100.00')}/disputes", body)
    path = f"/disputes/{made['id']}"
    market.world.drain()
    recorder.final("open_dispute", market.shown(path))
    api.made(f"{path}/assign", {"assignee": "support-7"})
    api.made(f"{path}/comments", {"body": "Both agree on 60 to 40."})
    split = {"decision": "SPLIT", "release_amount": "60.00", "refund_amount": "40.00"}
    api.made(f"{path}/resolve", split)
    market.world.drain()
    recorder.final("resolve_dispute", market.shown(path))
    recorder.operations.pop("get_dispute", None)
    api.get(path)
    api.get("/disputes?limit=1")


def _money_out(market: Market, recorder: Recorder) -> None:
    api, control = market.api, market.world.control
    control("PATCH", "/airtm/knobs", payout_auto=False)
    paid, held = (_withdrawal(market, commit=commit) for commit in (True, False))
    api.made(f"{held}/commit")
    market.world.drain()
    for name, path in (("create_withdrawal", paid), ("commit_withdrawal", held)):
        control("POST", f"/payouts/{path.rsplit('/', 1)[1]}/complete")
        api.made(f"{path}/refresh")
        market.world.drain()
        recorder.final(name, market.shown(path))
    stopped = _withdrawal(market, commit=True)
    market.world.drain()
    for step in ("process", "wait"):  # what waits for the recipient can be canceled
        control("POST", f"/payouts/{stopped.rsplit('/', 1)[1]}/{step}")
    api.made(f"{stopped}/refresh")
    api.made(f"{stopped}/cancel")
    market.world.drain()
    recorder.final("cancel_withdrawal", market.shown(stopped))
    api.get("/withdrawals?limit=1")
    control("PATCH", "/airtm/knobs", payout_auto=True)


def _withdrawal(market: Market, *, commit: bool) -> str:
    market.credit(market.seller, "30.00")
    body = {
        "user_id": market.seller, "amount": "30.00", "destination_type": "AIRTM_BALANCE",
        "destination_ref": SELLER_EMAIL, "commit": commit,
    }  # fmt: skip
    return f"/withdrawals/{market.api.made('/withdrawals', body)['id']}"


def _webhooks(market: Market, sink_url: str) -> None:
    api = market.api
    body = {"url": sink_url, "events": ["order.*", "topup.succeeded"], "description": "backend"}
    made = api.made("/webhook-endpoints", body)
    path = f"/webhook-endpoints/{made['id']}"
    api.get(path)
    api.get("/webhook-endpoints?limit=1")
    market.patch(path, {"events": ["order.*"], "enabled": True})
    api.made(f"{path}/test")
    market.order("10.00")
    market.sequence()
    deliveries.fan_out(market.world.ctx)
    (delivery, *_) = market.shown(f"{path}/deliveries?limit=1")
    api.made(f"/webhook-deliveries/{delivery['id']}/replay")
    api.made(f"{path}/rotate-secret")
    api.delete(path)


def _operator(market: Market) -> None:
    api = market.api
    for path in ("/admin/maintenance", "/admin/queues", "/admin/treasury"):
        api.get(path)
    on = {"enabled": True, "message": "Back at noon.", "retry_after_s": 600}
    for body in (on, {"enabled": False}):
        assert api.send("PUT", "/admin/maintenance", body=body).status_code == 200
    letter = administration._dead_webhook(market)
    api.get("/admin/dead-letters?limit=1")
    api.made(f"/admin/dead-letters/{letter}/retry")
    for step, sent in (
        ("retry", {"reason": "Airtm is back"}),
        ("settle", {"outcome": "CLOSED", "reason": "paid by hand, ticket 7"}),
    ):
        _, operation_id = administration._stuck_withdrawal(market)
        api.get("/admin/operations?limit=1&status=STUCK")
        api.made(f"/admin/operations/{operation_id}/{step}", sent)
        market.world.drain()
    run = api.made("/admin/reconciliations")
    api.get("/admin/reconciliations?limit=1")
    api.get(f"/admin/reconciliations/{run['id']}")
    body = {
        "rail": "AIRTM", "direction": "IN", "amount": "500.00", "reason": "float",
        "reference": f"float-{uuid4().hex[:6]}",
    }  # fmt: skip
    api.made("/admin/treasury/movements", body)


def hinted(caller: Caller, secret: str) -> Any:
    """A signed hint about a contract."""
    raw, name, at = json.dumps({"contract_id": f"C{'A' * 55}"}), "msg_1", caller.world.clock.now()
    headers = {
        "webhook-id": name, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, raw),
    }  # fmt: skip
    return caller.send("POST", "/webhooks/trustless-work", raw=raw.encode(), headers=headers)

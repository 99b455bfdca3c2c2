"""Running the appliance over HTTP: audit, maintenance, queues, dead letters, operations, books."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from rq.utils import utcformat

from offerhub.domain import ids
from offerhub.services import inbox, leases
from offerhub.store.database import atomic
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.inbox import InboxEvent
from offerhub.worker.queues import BELLS, enqueue, queue
from tests.api.caller import Caller, code, open_api
from tests.api.surface.market import Market
from tests.services.world import SELLER_EMAIL


def _dead_webhook(market: Market) -> str:
    letter_id = ids.new_id(ids.INBOX)
    with atomic():
        InboxEvent.create(
            id=letter_id, provider="airtm", event_id=letter_id, event_type="payin.odd", code=None,
            body="{}", status="DEAD", reason="no such type", attempts=20,
            received_at=market.world.app.now_ms(),
        )  # fmt: skip
    return letter_id


def _dead_delivery(market: Market) -> str:
    now = market.world.app.now_ms()
    endpoint = market.api.made(
        "/webhook-endpoints", {"url": "http://127.0.0.1:9/", "events": ["order.created"]}
    )
    market.order()
    market.sequence()
    (event,) = market.api.get("/events?types=order.created&limit=1").json["data"]
    delivery_id = ids.new_id(ids.DELIVERY)
    with atomic():
        WebhookDelivery.create(
            id=delivery_id, endpoint_id=endpoint["id"], event_id=event["event_id"],
            status="FAILED", attempts=10, last_error="HTTP 500", created_at=now, updated_at=now,
        )  # fmt: skip
        WebhookEndpoint.update(enabled=False).where(WebhookEndpoint.id == endpoint["id"]).execute()
    return delivery_id


def _stuck_withdrawal(market: Market) -> tuple[str, str]:
    """A withdrawal whose operation has given up; both ids."""
    market.credit(market.seller, "20.00")
    made = market.api.made(
        "/withdrawals",
        {"user_id": market.seller, "amount": "20.00", "destination_type": "AIRTM_BALANCE",
         "destination_ref": SELLER_EMAIL, "commit": True},
    )  # fmt: skip
    market.world.fault("error_503_before", provider="airtm", times=10_000)
    market.world.drain()
    market.world.healthy()
    shown = market.shown(f"/withdrawals/{made['id']}")
    assert shown["operation"]["status"] == "STUCK"
    return str(made["id"]), str(shown["operation"]["id"])


def test_the_audit_trail_is_filtered_and_proven(market: Market) -> None:
    user = market.user()
    support = market.api.with_scopes("support")
    records = support.get(f"/audit/logs?resource_id={user}").json["data"]
    (made,) = [record for record in records if record["action"] == "user.create"]
    assert (made["actor"], made["result"], made["before"]) == (
        {"type": "api_key", "id": market.api.key_id}, "success", None,
    )  # fmt: skip
    assert made["after"]["id"] == user
    assert support.get(f"/audit/logs?user_id={user}&action=user.create").json["data"] == [made]
    at = made["occurred_at"]
    assert made in support.get(f"/audit/logs?from={at}&limit=100").json["data"]
    assert made not in support.get(f"/audit/logs?to={at}&limit=100").json["data"]
    for query in ("from=yesterday", "limit=0", "limit=101", "colour=red", "cursor=x"):
        assert support.get(f"/audit/logs?{query}").status_code == 400, query
    proof = support.get("/audit/verify").json["data"]
    assert (proof["valid"], proof["first_broken"]) == (True, None)
    assert proof["checked"] + proof["unsealed"] > 0


def test_maintenance_is_switched_by_an_admin_while_it_is_on(market: Market) -> None:
    off = market.shown("/admin/maintenance")
    assert off["enabled"] is False
    body = {"enabled": True, "message": "Back at noon.", "retry_after_s": 90}
    on = market.api.send("PUT", "/admin/maintenance", body=body).json["data"]
    try:
        assert (on["enabled"], on["message"], on["by"]) == (
            True, "Back at noon.", market.api.key_id,
        )  # fmt: skip
        assert market.shown("/admin/maintenance") == on
        bad = market.api.send("PUT", "/admin/maintenance", body={"enabled": 1})
        assert bad.status_code == 400
        fresh = open_api(market.world)  # a process notices within a second
        assert code(fresh.post("/users", {})) in {"MAINTENANCE", "MISSING_REQUIRED_FIELD"}
        again = fresh.send("PUT", "/admin/maintenance", body={**body, "message": "At one."})
        assert again.json["data"]["since"] == on["since"]
    finally:
        off = market.api.send("PUT", "/admin/maintenance", body={"enabled": False}).json["data"]
    assert off == {
        "enabled": False, "message": None, "retry_after_s": None, "since": None, "by": None,
    }  # fmt: skip
    marketplace = market.world.app.policy.marketplace_id
    assert market.event_types(marketplace) >= {"maintenance.enabled", "maintenance.disabled"}


def test_queues_are_described(market: Market) -> None:
    shown = market.shown("/admin/queues")
    assert shown["redis"] == "available"
    assert [queue["name"] for queue in shown["queues"]] == [
        "critical", "webhooks", "deliveries", "maintenance",
    ]  # fmt: skip
    assert all(queue["workers"] == 0 for queue in shown["queues"])
    assert all(queue["oldest_job_s"] == 0 for queue in shown["queues"])


def test_the_oldest_job_of_a_queue_is_the_next_one(market: Market) -> None:
    redis = market.world.app.redis
    waiting = queue("deliveries", redis)
    oldest, *_ = [enqueue(BELLS["deliveries"], redis) for _ in range(3)]
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    redis.hset(oldest.key, "enqueued_at", utcformat(hour_ago))
    try:
        shown = {one["name"]: one for one in market.shown("/admin/queues")["queues"]}
        assert shown["deliveries"]["waiting"] == 3
        assert 3600 <= shown["deliveries"]["oldest_job_s"] < 3660
        assert shown["critical"]["oldest_job_s"] == 0
        redis.delete(oldest.key)  # forgotten by Redis; a worker passes it over
        shown = {one["name"]: one for one in market.shown("/admin/queues")["queues"]}
        assert shown["deliveries"]["oldest_job_s"] == 0
    finally:
        waiting.empty()


def test_who_holds_each_lease_is_shown_and_who_stands_by(market: Market) -> None:
    ctx = market.world.ctx

    def look() -> dict[str, Any]:
        return {one["name"]: one for one in market.shown("/admin/queues")["leases"]}

    assert list(look()) == ["relay", "deposits", "scheduler"]
    for name, holder in (("deposits", "machine-1:77"), ("scheduler", "machine-1:80:a")):
        assert leases.take(ctx, name, holder=holder, ttl_ms=15_000)
        assert not leases.take(ctx, name, holder="machine-2:9:b", ttl_ms=15_000)
        found = look()[name]
        assert (found["state"], found["holder"], found["standbys"]) == ("HELD", holder, 1)
        assert found["fencing_token"] >= 1
        assert found["since"] < found["until"]
        leases.give_up(name, holder=holder)
        free = look()[name]
        assert (free["state"], free["holder"], free["since"]) == ("FREE", None, None)
        leases.give_up(name, holder="machine-2:9:b")
        assert look()[name]["standbys"] == 0


@pytest.mark.parametrize(
    ("make", "kind", "back"),
    [(_dead_webhook, "inbox", "RECEIVED"), (_dead_delivery, "delivery", "PENDING")],
)
def test_a_dead_letter_is_put_back_to_work_or_given_up(
    market: Market, make: Any, kind: str, back: str
) -> None:
    first, second = make(market), make(market)
    letters = {letter["id"]: letter for letter in market.shown("/admin/dead-letters?limit=100")}
    assert {letters[first]["kind"], letters[second]["kind"]} == {kind}
    path = f"/admin/dead-letters/{first}"
    key = str(uuid4())
    retried = market.api.post(f"{path}/retry", {}, key=key)
    assert (retried.status_code, retried.json["data"]["status"]) == (202, back)
    assert market.api.post(f"{path}/retry", {}, key=key).data == retried.data
    assert market.refused(f"{path}/retry") == (409, "INVALID_STATE")
    assert code(market.api.delete(f"/admin/dead-letters/{second}")) == "MISSING_REQUIRED_FIELD"
    assert market.api.delete(f"/admin/dead-letters/{second}?reason=spam").status_code == 204
    gone = market.api.delete(f"/admin/dead-letters/{second}?reason=spam")
    assert (gone.status_code, code(gone)) == (409, "INVALID_STATE")
    left = {letter["id"] for letter in market.shown("/admin/dead-letters?limit=100")}
    assert not left & {first, second}
    (record,) = market.api.get(f"/audit/logs?resource_id={second}&action=dead_letter.discard").json[
        "data"
    ]
    assert record["after"]["reason"] == "spam"
    inbox.process_due(market.world.ctx)


@pytest.mark.parametrize("path", ["/admin/operations", "/admin/dead-letters"])
def test_long_work_and_dead_letters_are_paged(market: Market, path: str) -> None:
    for _ in range(3):
        _dead_webhook(market)
    market.order()  # and by it the operations of two wallets
    everything = [one["id"] for one in _whole(market, path, limit=100)]
    assert len(everything) >= 3
    assert [one["id"] for one in _whole(market, path, limit=2)] == everything
    default = market.api.get(path).json
    assert len(default["data"]) == min(20, len(everything))
    for query in ("limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "page=2"):
        assert market.api.get(f"{path}?{query}").status_code == 400, query


def _whole(market: Market, path: str, *, limit: int) -> list[dict[str, Any]]:
    """A list page by page; every page but the last is full and says that there is more."""
    found: list[dict[str, Any]] = []
    query = f"limit={limit}"
    for _ in range(200):
        page = market.api.get(f"{path}?{query}").json
        found += page["data"]
        more, cursor = page["pagination"]["has_more"], page["pagination"]["next_cursor"]
        assert more == (cursor is not None)
        if not more:
            return found
        assert len(page["data"]) == limit
        query = f"limit={limit}&cursor={cursor}"
    raise AssertionError("the pages do not end")


def test_a_stuck_operation_is_retried_with_a_reason(market: Market) -> None:
    withdrawal_id, operation_id = _stuck_withdrawal(market)
    listed = market.shown("/admin/operations?status=STUCK")
    (found,) = [one for one in listed if one["id"] == operation_id]
    assert (found["subject_type"], found["subject_id"]) == ("withdrawal", withdrawal_id)
    assert found["steps"]
    path = f"/admin/operations/{operation_id}"
    assert market.refused(f"{path}/retry") == (400, "MISSING_REQUIRED_FIELD")
    retried = market.api.post(f"{path}/retry", {"reason": "Airtm is back"})
    assert (retried.status_code, retried.json["data"]["status"]) == (202, "PENDING")
    assert market.refused(f"{path}/retry", {"reason": "again"}) == (409, "INVALID_STATE")
    market.world.drain()
    market.world.until(
        lambda: (
            market.api.made(f"/withdrawals/{withdrawal_id}/refresh")["status"]
            == "WITHDRAWAL_COMPLETED"
        )
    )
    market.world.drain()
    assert market.event_types(operation_id) >= {"operation.stuck"}


def test_a_stuck_operation_is_settled_by_hand(market: Market) -> None:
    withdrawal_id, operation_id = _stuck_withdrawal(market)
    path = f"/admin/operations/{operation_id}/settle"
    assert market.refused(path, {"outcome": "WON", "reason": "x"}) == (400, "VALIDATION_ERROR")
    body = {"outcome": "CLOSED", "reason": "paid by hand, ticket 7"}
    key = str(uuid4())
    settled = market.api.post(path, body, key=key)
    assert (settled.status_code, settled.json["data"]["status"]) == (200, "SETTLED")
    assert market.api.post(path, body, key=key).data == settled.data
    assert market.refused(path, body) == (409, "INVALID_STATE")
    assert market.shown(f"/withdrawals/{withdrawal_id}")["status"] == "WITHDRAWAL_COMMITTED"
    assert market.event_types(operation_id) == {"operation.stuck", "operation.settled"}


def test_a_reconciliation_is_run_listed_and_read(market: Market) -> None:
    run = market.twice("/admin/reconciliations", {}, status=201)
    assert run["id"] in [one["id"] for one in market.shown("/admin/reconciliations")]
    assert market.shown(f"/admin/reconciliations/{run['id']}") == run
    assert (run["unreachable"], run["checked"] > 3) == (0, True)
    assert market.event_types(run["id"]) == {"reconciliation.completed"}


def test_the_balance_sheet_balances_and_takes_movements_once(market: Market) -> None:
    sheet = market.shown("/admin/treasury")
    assert sheet["difference_exact"] == "0.0000000"
    assert {line["account"] for line in sheet["assets"]} >= {"airtm.treasury", "stellar.treasury"}
    body = {
        "rail": "AIRTM", "direction": "IN", "amount": "7.00", "reason": "float",
        "reference": f"float-{uuid4()}",
    }  # fmt: skip
    after = market.twice("/admin/treasury/movements", body, status=201)
    assert after["difference_exact"] == "0.0000000"
    assert float(after["assets_total"]) - float(sheet["assets_total"]) == pytest.approx(7)
    assert market.refused("/admin/treasury/movements", body) == (400, "VALIDATION_ERROR")
    back = {**body, "direction": "OUT", "reference": f"back-{uuid4()}"}
    market.api.made("/admin/treasury/movements", back)
    arrives = {**back, "rail": "STELLAR", "direction": "IN"}
    assert market.refused("/admin/treasury/movements", arrives) == (400, "VALIDATION_ERROR")


def test_an_idempotent_answer_outlives_redis(market: Market, api: Caller) -> None:
    user = market.user()
    path = f"/users/{user}/balance/adjustments"
    body = {"amount": "1.00", "direction": "CREDIT", "reason": "r", "reference": f"r-{user}"}
    first = api.post(path, body, key=f"flush-{user}")
    market.world.app.redis.flushall()
    assert api.post(path, body, key=f"flush-{user}").data == first.data
    assert market.available(user) == "1.0000000"

"""Top-ups, withdrawals, users and balances: what may be changed on the way, over HTTP."""

from typing import Any

import pytest

from offerhub.domain.money import parse_exact
from tests.api.caller import code
from tests.api.surface.market import Market
from tests.services.world import BUYER_EMAIL, SELLER_EMAIL

LANDINGS = {"return_url": "https://shop.example/done", "cancel_url": "https://shop.example/cart"}


def _topup(market: Market) -> dict[str, Any]:
    body = {"user_id": market.buyer, "amount": "50.00", **LANDINGS}
    made = market.api.made("/topups", body)
    market.world.drain()
    return dict(market.shown(f"/topups/{made['id']}"))


def _held(market: Market, amount: str = "30.00") -> str:
    market.credit(market.seller, amount)
    body = {
        "user_id": market.seller, "amount": amount, "destination_type": "AIRTM_BALANCE",
        "destination_ref": SELLER_EMAIL,
    }  # fmt: skip
    made = market.api.made("/withdrawals", body)
    assert (made["status"], made["operation"]) == ("WITHDRAWAL_CREATED", None)
    return str(made["id"])


def test_a_topup_is_refreshed_to_what_airtm_shows(market: Market) -> None:
    topup = _topup(market)
    path = f"/topups/{topup['id']}/refresh"
    same = market.twice(path, {}, status=200)
    assert same["status"] == "TOPUP_AWAITING_USER_CONFIRMATION"
    market.world.control("POST", f"/payins/{topup['airtm_payin_id']}/pay", email=BUYER_EMAIL)
    market.world.until(lambda: market.api.made(path)["status"] == "TOPUP_SUCCEEDED")
    assert market.refused(f"/topups/{topup['id']}/cancel") == (409, "INVALID_STATE")
    assert market.refused(path, {"now": True}) == (400, "VALIDATION_ERROR")


def test_a_topup_is_canceled_by_airtm(market: Market) -> None:
    topup = _topup(market)
    asked = market.twice(f"/topups/{topup['id']}/cancel", {}, status=202)
    assert asked["status"] == "TOPUP_AWAITING_USER_CONFIRMATION"
    market.world.drain()
    assert market.shown(f"/topups/{topup['id']}")["status"] == "TOPUP_CANCELED"
    assert market.event_types(topup["id"]) == {
        "topup.created", "topup.confirmation_required", "topup.canceled",
    }  # fmt: skip


@pytest.mark.usefixtures("background_worker")
def test_who_waits_for_a_cancellation_is_told_its_end(market: Market) -> None:
    path = f"/topups/{_topup(market)['id']}/cancel"
    answer = market.api.post(path, {}, key=path, Prefer="wait=30")
    assert (answer.status_code, answer.json["data"]["status"]) == (200, "TOPUP_CANCELED")
    assert market.api.post(path, {}, key=path).data == answer.data
    held = market.api.post(f"/withdrawals/{_held(market)}/cancel", {}, Prefer="wait=30")
    assert (held.status_code, held.json["data"]["status"]) == (200, "WITHDRAWAL_CANCELED")


def test_a_provider_that_is_away_changes_nothing_and_spoils_no_key(market: Market) -> None:
    topup = _topup(market)
    path = f"/topups/{topup['id']}/refresh"
    market.world.fault("error_503_before", provider="airtm", times=50)
    away = market.api.post(path, {}, key=f"away-{topup['id']}")
    assert (away.status_code, code(away)) == (503, "PROVIDER_UNAVAILABLE")
    market.world.healthy()
    assert market.api.post(path, {}, key=f"away-{topup['id']}").status_code == 200


def test_a_withdrawal_is_held_and_committed_once(market: Market) -> None:
    withdrawal_id = _held(market)
    path = f"/withdrawals/{withdrawal_id}"
    assert market.shown(f"/users/{market.seller}/balance")["withdrawing"] == "30.00"
    committed = market.twice(f"{path}/commit", {}, status=202)
    assert committed["status"] == "WITHDRAWAL_COMMITTED"
    assert market.refused(f"{path}/commit") == (409, "WITHDRAWAL_NOT_COMMITTABLE")
    market.world.drain()
    market.world.until(
        lambda: market.api.made(f"{path}/refresh")["status"] == "WITHDRAWAL_COMPLETED"
    )
    market.world.drain()
    shown = market.shown(path)
    assert (shown["net_amount"], bool(shown["airtm_payout_id"])) == ("29.70", True)
    assert market.refused(f"{path}/cancel") == (409, "INVALID_STATE")
    assert market.event_types(withdrawal_id) >= {
        "withdrawal.created", "withdrawal.committed", "withdrawal.completed",
    }  # fmt: skip


def test_a_held_withdrawal_is_canceled_at_once(market: Market) -> None:
    withdrawal_id = _held(market)
    asked = market.twice(f"/withdrawals/{withdrawal_id}/cancel", {}, status=202)
    assert asked["status"] == "WITHDRAWAL_CANCELED"
    assert market.refused(f"/withdrawals/{withdrawal_id}/commit") == (
        409, "WITHDRAWAL_NOT_COMMITTABLE",
    )  # fmt: skip


def test_a_user_is_changed_field_by_field(market: Market) -> None:
    user = market.user(type="BUYER")
    answer = market.patch(f"/users/{user}", {"type": "BOTH", "metadata": {"tier": 2}})
    assert answer.status_code == 200
    shown = answer.json["data"]
    assert (shown["type"], shown["metadata"], shown["email"]) == ("BOTH", {"tier": 2}, None)
    for body in ({"type": "KING"}, {"external_user_id": "x"}, {"email": "no"}, {"status": "GONE"}):
        answer = market.patch(f"/users/{user}", body)
        assert (answer.status_code, code(answer)) == (400, "VALIDATION_ERROR"), body
    assert market.shown(f"/users/{user}") == shown


def test_a_suspended_user_moves_no_money_out(market: Market) -> None:
    user = market.user(type="BOTH")
    market.credit(user, "5.00")
    assert market.patch(f"/users/{user}", {"status": "SUSPENDED"}).status_code == 200
    outside = market.world.control("POST", "/stellar/outside-account")["address"]
    body = {
        "user_id": user, "amount": "5.00", "destination_type": "CRYPTO", "destination_ref": outside,
    }  # fmt: skip
    assert market.refused("/withdrawals", body) == (422, "USER_SUSPENDED")
    assert market.event_types(user) >= {"user.suspended", "user.updated"}
    assert market.patch(f"/users/{user}", {"status": "ACTIVE"}).status_code == 200


def test_an_adjustment_is_posted_once_per_key_and_per_reference(market: Market) -> None:
    user = market.user()
    path = f"/users/{user}/balance/adjustments"
    body = {
        "amount": "12.50", "direction": "CREDIT", "reason": "goodwill", "reference": f"gw-{user}",
    }  # fmt: skip
    assert market.twice(path, body, status=201)["available"] == "12.50"
    assert market.refused(path, body) == (400, "VALIDATION_ERROR")
    debit = {**body, "direction": "DEBIT", "reference": f"d-{user}", "amount": "12.51"}
    assert market.refused(path, debit) == (422, "INSUFFICIENT_FUNDS")
    assert market.available(user) == "12.5000000"
    assert market.api.post(path, body, key=None).json["error"]["code"] == "MISSING_REQUIRED_FIELD"
    market.api.made(path, {**debit, "amount": "12.50"})
    lines = market.shown(f"/users/{user}/ledger")
    assert [(line["kind"], line["amount"]) for line in lines] == [
        ("adjusted", "-12.50"), ("adjusted", "12.50"),
    ]  # fmt: skip


def test_a_wallet_is_compared_with_the_chain(market: Market) -> None:
    user = market.user()
    address = market.shown(f"/users/{user}/wallet")["address"]
    transaction = market.world.deposit(address, "3.1234567")
    synced = market.twice(f"/users/{user}/balance/sync", {}, status=200)
    assert synced["wallet"]["theirs_exact"] == "3.1234567"
    assert (synced["wallet"]["place"], synced["wallet"]["same"]) == (address, True)
    assert synced["available_exact"] == "3.1234567"
    (line,) = market.shown(f"/users/{user}/wallet/transactions")
    assert (line["direction"], line["amount_exact"], line["transaction_hash"]) == (
        "IN", "3.1234567", transaction,
    )  # fmt: skip


def test_a_wallets_transactions_come_in_pages_with_their_hashes(market: Market) -> None:
    user = market.user()
    market.credit(user, "0.01")  # by the books alone: no movement on chain
    outside = market.world.control("POST", "/stellar/outside-account")["address"]
    address = market.shown(f"/users/{user}/wallet")["address"]
    for amount in ("4.00", "5.00"):
        market.world.deposit(address, amount)
    market.api.made(f"/users/{user}/balance/sync")
    market.api.made(
        "/withdrawals",
        {"user_id": user, "amount": "6.00", "destination_type": "CRYPTO",
         "destination_ref": outside},
    )  # fmt: skip
    market.world.drain()
    found, cursor = [], ""
    while True:
        page = market.api.get(f"/users/{user}/wallet/transactions?limit=1{cursor}").json
        found += page["data"]
        if not page["pagination"]["has_more"]:
            break
        cursor = f"&cursor={page['pagination']['next_cursor']}"
    assert [(line["direction"], line["amount"]) for line in found] == [
        ("OUT", "6.00"), ("IN", "5.00"), ("IN", "4.00"),
    ]  # fmt: skip
    assert all(len(line["transaction_hash"]) == 64 for line in found)
    assert len({line["transaction_hash"] for line in found}) == 3
    moved = sum(parse_exact(line["amount_exact"]) for line in found)
    assert moved == parse_exact("15.00")


def test_resources_are_found_by_the_ids_that_others_gave_them(market: Market) -> None:
    topup = _topup(market)
    user = market.user()
    market.credit(user, "6.00")
    outside = market.world.control("POST", "/stellar/outside-account")["address"]
    paid = market.api.made(
        "/withdrawals",
        {"user_id": user, "amount": "6.00", "destination_type": "CRYPTO",
         "destination_ref": outside},
    )  # fmt: skip
    order_id = market.in_progress("1.00")
    held = _held(market)
    market.api.made(f"/withdrawals/{held}/commit")
    market.world.drain()
    contract = market.shown(f"/orders/{order_id}")["escrow"]["trustless_contract_id"]
    seller = market.shown(f"/users/{market.seller}")["airtm"]["airtm_user_id"]
    for path, value, found in (
        ("/topups?airtm_payin_id", topup["airtm_payin_id"], topup["id"]),
        ("/withdrawals?airtm_payout_id", _shown(market, held)["airtm_payout_id"], held),
        ("/withdrawals?stellar_tx_hash", _shown(market, paid["id"])["stellar_tx_hash"], paid["id"]),
        ("/orders?trustless_contract_id", contract, order_id),
        ("/users?airtm_user_id", seller, market.seller),
    ):
        assert [one["id"] for one in market.shown(f"{path}={value}")] == [found], path
        assert market.shown(f"{path}=unknown") == [], path


def _shown(market: Market, withdrawal_id: str) -> dict[str, Any]:
    return dict(market.shown(f"/withdrawals/{withdrawal_id}"))


@pytest.mark.parametrize("cursor", ["nonsense", "WzE3Njc2XQ"])
def test_a_cursor_that_was_not_given_is_refused(market: Market, cursor: str) -> None:
    for path in (f"/users/{market.buyer}/wallet/transactions", "/disputes", "/webhook-endpoints"):
        answer = market.api.get(f"{path}?cursor={cursor}")
        assert (answer.status_code, code(answer)) == (400, "VALIDATION_ERROR"), path

"""One case per flow and shape of its money: how it is asked for, and what must have come of it.

Used by the crash tests and by the fault tests: whatever happens in between, the end is the same.
"""

from dataclasses import replace
from itertools import count
from typing import Any

from stellar_sdk import Keypair

from offerhub.domain.money import parse_exact
from offerhub.ledger import accounts
from offerhub.ports.chain import PlatformKeys, SigningKey
from offerhub.services import (
    dispute_cases,
    disputes,
    escrows,
    fuel,
    milestones,
    operations,
    orders,
    refunds,
    releases,
    topup_changes,
    topups,
    treasury_movements,
    users,
    withdrawal_changes,
    withdrawals,
)
from offerhub.services.treasury_movements import Movement
from offerhub.store.database import atomic
from tests.services.cases import Case, Subject
from tests.services.world import SELLER_EMAIL, USD, World

_numbers = count(1)


# --- who takes part ---------------------------------------------------------------------------


def _unique(word: str) -> str:
    return f"{word}-{next(_numbers)}"


def _people(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A buyer whose wallet holds much USDC and a seller, made once per world."""
    kept = world.__dict__.setdefault("people", {})
    if not kept:
        kept["buyer"] = world.funded_user(_unique("buyer"), "1000000.00")
        kept["seller"] = world.user(_unique("seller"), email=SELLER_EMAIL)
    return kept["buyer"], kept["seller"]


def _paid_by_airtm(world: World, amount: str = "200.00") -> dict[str, Any]:
    """A buyer whose money came by Airtm and whose wallet is empty, made once per case."""
    email = f"{_unique('payer')}@example.com"
    world.control("POST", "/airtm/users", email=email, first_name="A", last_name="B",
                  country="MEX", wallet="10000.00")  # fmt: skip
    made = world.user(_unique("airtm-buyer"), email=email)
    world.topped_up(made["id"], amount, email=email)
    return made


# --- platform and wallets ---------------------------------------------------------------------


def _platform(world: World) -> Subject:
    def key() -> SigningKey:
        pair = Keypair.random()
        return SigningKey(pair.public_key, pair.secret)

    keys = PlatformKeys(key(), key(), key())
    return Subject(_unique("platform"), more={"app": replace(world.app, platform_keys=keys)})


def _ask_platform(world: World, subject: Subject) -> None:
    with atomic():
        operations.start(
            world.ctx, kind="platform.setup", subject_type="platform", subject_id=subject.id
        )


def _platform_done(world: World, subject: Subject) -> None:
    keys = subject.more["app"].platform_keys
    for key in (keys.treasury, keys.release, keys.resolver):
        account = world.app.chain.account(key.address)
        assert account is not None
        assert account.has_trustline
        # One trustline transaction, and no other, has used a sequence number.
        assert account.sequence & 0xFFFFFFFF == 1


def _new_user(world: World) -> Subject:
    return Subject(_unique("newcomer"))


def _ask_wallet(world: World, subject: Subject) -> None:
    subject.buyer = users.create_user(world.ctx, external_user_id=subject.id, type="BOTH")


def _wallet_done(world: World, subject: Subject) -> None:
    shown = users.get_user(world.ctx, subject.buyer["id"])
    assert shown["wallet"]["status"] == "ACTIVE"
    account = world.app.chain.account(shown["wallet"]["address"])
    assert account is not None
    assert account.has_trustline


# --- money in ---------------------------------------------------------------------------------


def _linked(world: World) -> Subject:
    _, seller = _people(world)
    return Subject("", seller=seller)


def _ask_topup(world: World, subject: Subject) -> None:
    made = topups.create_topup(
        world.ctx,
        user_id=subject.seller["id"],
        amount_stroops=50 * USD,
        return_url="http://localhost/return",
        cancel_url="http://localhost/cancel",
    )
    subject.id = made["id"]


def _topup_done(world: World, subject: Subject) -> None:
    shown = topups.get_topup(world.ctx, subject.id)
    assert shown["status"] == "TOPUP_AWAITING_USER_CONFIRMATION"
    assert shown["confirmation_url"].endswith(shown["airtm_payin_id"])
    ours = [p for p in world.control("GET", "/world")["airtm"]["payins"] if p["code"] == subject.id]
    assert [p["id"] for p in ours] == [shown["airtm_payin_id"]]


def _unpaid(world: World) -> Subject:
    subject = _linked(world)
    _ask_topup(world, subject)
    world.drain()
    return subject


def _ask_cancel(world: World, subject: Subject) -> None:
    topup_changes.cancel(world.ctx, subject.id)


def _canceled(world: World, subject: Subject) -> None:
    assert topups.get_topup(world.ctx, subject.id)["status"] == "TOPUP_CANCELED"
    ours = [p for p in world.control("GET", "/world")["airtm"]["payins"] if p["code"] == subject.id]
    assert [p["status"] for p in ours] == ["CANCELED"]


# --- orders -----------------------------------------------------------------------------------


def _reserved(world: World, buyer: dict[str, Any], amount: str = "40.00") -> Subject:
    _, seller = _people(world)
    order_id = world.order(buyer["id"], seller["id"], amount, platform_fee_bps=500)
    orders.reserve(world.ctx, order_id)
    return Subject(order_id, buyer=buyer, seller=seller, more={"amount": parse_exact(amount)})


def _to_deploy(world: World) -> Subject:
    return _reserved(world, _people(world)[0])


def _ask_deploy(world: World, subject: Subject) -> None:
    escrows.create_escrow(world.ctx, subject.id)


def _deploy_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert order["status"] == "ESCROW_FUNDING"
    assert [c["contract"] for c in _contracts(world, subject)] == [
        order["escrow"]["trustless_contract_id"]
    ]


def _contracts(world: World, subject: Subject) -> list[dict[str, Any]]:
    """Every contract on chain that was deployed for the order."""
    found = world.app.escrows.find_by_order(
        subject.id, signer=world.app.platform_keys.treasury.address
    )
    return [{"contract": facts.contract_id} for facts in found]


def _deployed(world: World, buyer: dict[str, Any]) -> Subject:
    subject = _reserved(world, buyer)
    escrows.create_escrow(world.ctx, subject.id)
    world.drain()
    return subject


def _to_fund(world: World) -> Subject:
    return _deployed(world, _people(world)[0])


def _to_fund_bridged(world: World) -> Subject:
    return _deployed(world, _paid_by_airtm(world))


def _ask_fund(world: World, subject: Subject) -> None:
    escrows.fund_escrow(world.ctx, subject.id)


def _fund_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert order["status"] == "IN_PROGRESS"
    contract = order["escrow"]["trustless_contract_id"]
    assert world.transfers(destination=contract) == [subject.more["amount"]]
    assert world.balance(accounts.order_escrow(subject.id)) == subject.more["amount"]


def _fund_bridged_done(world: World, subject: Subject) -> None:
    _fund_done(world, subject)
    treasury = world.app.platform_keys.treasury.address
    address = subject.buyer["wallet"]["address"]
    assert world.transfers(source=treasury, destination=address) == [subject.more["amount"]]
    assert world.balance(accounts.wallet(subject.buyer["id"])) == 0


def _funded(world: World) -> Subject:
    subject = _to_fund(world)
    _ask_fund(world, subject)
    world.drain()
    return subject


def _ask_release(world: World, subject: Subject) -> None:
    releases.release(world.ctx, subject.id)


def _release_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "RELEASED")
    contract = order["escrow"]["trustless_contract_id"]
    paid = world.transfers(source=contract)
    assert sum(paid) == subject.more["amount"]
    assert world.transfers(source=contract, destination=subject.seller["wallet"]["address"]) == [
        subject.more["amount"] * (10_000 - 500 - 30) // 10_000
    ]
    assert world.balance(accounts.order_escrow(subject.id)) == 0


def _ask_refund(world: World, subject: Subject) -> None:
    subject.more["available"] = world.available(subject.buyer["id"])
    refunds.refund(world.ctx, subject.id)


def _refund_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "REFUNDED")
    contract = order["escrow"]["trustless_contract_id"]
    assert sum(world.transfers(source=contract)) == subject.more["amount"]
    # The contract took its fees and the platform made up for them, once.
    assert world.available(subject.buyer["id"]) - subject.more["available"] == 40 * USD


def _with_milestones(world: World) -> Subject:
    buyer, seller = _people(world)
    order_id = world.in_progress(
        buyer["id"], seller["id"], "40.00", platform_fee_bps=500,
        milestones=[("a", "First", 25 * USD), ("b", "Second", 15 * USD)],
    )  # fmt: skip
    return Subject(order_id, buyer=buyer, seller=seller)


def _ask_complete(world: World, subject: Subject) -> None:
    milestones.complete(world.ctx, subject.id, "a", evidence_url="https://example.com/proof")


def _complete_done(world: World, subject: Subject) -> None:
    shown = orders.get_order(world.ctx, subject.id)["milestones"]
    assert [m["status"] for m in shown] == ["COMPLETED", "OPEN"]


def _completed(world: World) -> Subject:
    subject = _with_milestones(world)
    _ask_complete(world, subject)
    world.drain()
    return subject


def _ask_milestone(world: World, subject: Subject) -> None:
    milestones.release(world.ctx, subject.id, "a")


def _milestone_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert [m["status"] for m in order["milestones"]] == ["RELEASED", "OPEN"]
    contract = order["escrow"]["trustless_contract_id"]
    assert sum(world.transfers(source=contract)) == 25 * USD
    assert world.balance(accounts.order_escrow(subject.id)) == 15 * USD


def _ask_dispute(world: World, subject: Subject) -> None:
    opened = disputes.open_dispute(world.ctx, subject.id, opened_by="BUYER", reason="NOT_DELIVERED")
    subject.more["dispute"] = opened["id"]


def _dispute_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert (order["status"], order["escrow"]["status"]) == ("DISPUTED", "DISPUTED")
    facts = world.app.escrows.read(order["escrow"]["trustless_contract_id"], multi_release=False)
    assert facts is not None
    assert facts.disputed


def _disputed(world: World) -> Subject:
    subject = _funded(world)
    _ask_dispute(world, subject)
    world.drain()
    dispute_cases.assign(world.ctx, subject.more["dispute"], assignee="support")
    return subject


def _ask_resolve(world: World, subject: Subject) -> None:
    subject.more["available"] = world.available(subject.buyer["id"])
    disputes.resolve(world.ctx, subject.more["dispute"], decision="FULL_REFUND")


def _resolve_done(world: World, subject: Subject) -> None:
    assert dispute_cases.get_dispute(world.ctx, subject.more["dispute"])["status"] == "RESOLVED"
    _refund_done(world, subject)


def _disputed_with_dust(world: World) -> Subject:
    subject = _disputed(world)
    contract = orders.get_order(world.ctx, subject.id)["escrow"]["trustless_contract_id"]
    world.control("POST", "/stellar/dust", contract=contract)
    return subject


def _ask_split(world: World, subject: Subject) -> None:
    disputes.resolve(
        world.ctx, subject.more["dispute"], decision="SPLIT", release_stroops=25 * USD,
        refund_stroops=15 * USD,
    )  # fmt: skip


def _split_done(world: World, subject: Subject) -> None:
    order = orders.get_order(world.ctx, subject.id)
    assert (order["status"], order["resolution"]) == ("CLOSED", "SPLIT")
    paid = world.transfers(source=order["escrow"]["trustless_contract_id"])
    assert sum(paid) == subject.more["amount"] + USD // 100  # filled up to the next cent, once


# --- money out --------------------------------------------------------------------------------


def _outside(world: World, buyer: dict[str, Any]) -> Subject:
    address = world.control("POST", "/stellar/outside-account")["address"]
    return Subject("", buyer=buyer, more={"address": address})


def _to_pay(world: World) -> Subject:
    return _outside(world, _people(world)[0])


def _to_pay_bridged(world: World) -> Subject:
    return _outside(world, _paid_by_airtm(world))


def _ask_pay(world: World, subject: Subject) -> None:
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=subject.buyer["id"], amount_stroops=30 * USD,
        destination_type="CRYPTO", destination_ref=subject.more["address"],
    )  # fmt: skip
    subject.id = made["id"]


def _pay_done(world: World, subject: Subject) -> None:
    shown = withdrawals.get_withdrawal(world.ctx, subject.id)
    assert shown["status"] == "WITHDRAWAL_COMPLETED"
    assert world.transfers(destination=subject.more["address"]) == [30 * USD]
    assert world.balance(accounts.user(subject.buyer["id"], accounts.WITHDRAWING)) == 0


def _pay_bridged_done(world: World, subject: Subject) -> None:
    _pay_done(world, subject)
    treasury = world.app.platform_keys.treasury.address
    address = subject.buyer["wallet"]["address"]
    assert world.transfers(source=treasury, destination=address) == [30 * USD]


def _payee(world: World) -> Subject:
    return Subject("", buyer=_paid_by_airtm(world))


def _ask_payout(world: World, subject: Subject) -> None:
    email = users.get_user(world.ctx, subject.buyer["id"])["airtm"]["email"]
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=subject.buyer["id"], amount_stroops=30 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=email,
    )  # fmt: skip
    subject.id = made["id"]


def _payout_done(world: World, subject: Subject) -> None:
    world.finish_withdrawal(subject.id)
    theirs = [
        p for p in world.control("GET", "/world")["airtm"]["payouts"] if p["code"] == subject.id
    ]
    assert [(p["status"], parse_exact(p["amount"])) for p in theirs] == [("COMPLETED", 30 * USD)]
    assert world.balance(accounts.user(subject.buyer["id"], accounts.WITHDRAWING)) == 0


def _pending_payout(world: World) -> Subject:
    """A pay-out that Airtm took and has not paid yet."""
    subject = _payee(world)
    subject.more["available"] = world.available(subject.buyer["id"])
    world.control("PATCH", "/airtm/knobs", payout_auto=False)
    _ask_payout(world, subject)
    world.drain()
    world.control("POST", f"/payouts/{subject.id}/wait")
    return subject


def _ask_payout_cancel(world: World, subject: Subject) -> None:
    withdrawal_changes.cancel(world.ctx, subject.id)


def _payout_canceled(world: World, subject: Subject) -> None:
    world.control("PATCH", "/airtm/knobs", payout_auto=True)
    shown = withdrawals.get_withdrawal(world.ctx, subject.id)
    assert shown["status"] == "WITHDRAWAL_CANCELED"
    assert world.available(subject.buyer["id"]) == subject.more["available"]


def _with_excess(world: World) -> Subject:
    """A user who deposited on chain and then was paid at Airtm: the wallet holds too much."""
    if "airtm_float" not in world.__dict__:
        world.__dict__["airtm_float"] = _paid_by_airtm(world, "5000.00")
    email = f"{_unique('sweep')}@example.com"
    world.control("POST", "/airtm/users", email=email, first_name="A", last_name="B",
                  country="MEX")  # fmt: skip
    user = world.funded_user(_unique("swept"), "30.00")
    users.link_airtm(world.ctx, user["id"], email=email)
    made = withdrawals.create_withdrawal(
        world.ctx, user_id=user["id"], amount_stroops=20 * USD, commit=True,
        destination_type="AIRTM_BALANCE", destination_ref=email,
    )  # fmt: skip
    world.drain()
    return Subject(made["id"], buyer=user)


def _ask_sweep(world: World, subject: Subject) -> None:
    def ended() -> bool:
        found = world.app.payments.find_payout(subject.id)
        assert found is not None
        withdrawals.apply_payout_result(world.ctx, subject.id, found)
        shown = withdrawals.get_withdrawal(world.ctx, subject.id)
        return bool(shown["status"] == "WITHDRAWAL_COMPLETED")

    world.until(ended)


def _sweep_done(world: World, subject: Subject) -> None:
    treasury = world.app.platform_keys.treasury.address
    address = subject.buyer["wallet"]["address"]
    assert world.transfers(source=address, destination=treasury) == [20 * USD]
    assert world.balance(accounts.wallet(subject.buyer["id"])) == 10 * USD


def _drained(world: World) -> Subject:
    user = world.user(_unique("drained"))
    world.drain_xlm(user["id"])
    return Subject(user["id"], buyer=user)


def _ask_fuel(world: World, subject: Subject) -> None:
    fuel.ask(world.ctx, subject.id)


def _fuel_done(world: World, subject: Subject) -> None:
    # Refilled once, to the stroop.
    account = world.app.chain.account(subject.buyer["wallet"]["address"])
    assert account is not None
    assert account.xlm_stroops == 1_000 + world.app.policy.wallet_xlm_refill_stroops


def _outside_alone(world: World) -> Subject:
    address = world.control("POST", "/stellar/outside-account")["address"]
    return Subject(_unique("out"), more={"address": address})


def _ask_treasury_payment(world: World, subject: Subject) -> None:
    movement = Movement(
        rail="STELLAR", direction="OUT", amount_stroops=3 * USD, reason="paid out",
        reference=subject.id, destination=subject.more["address"],
    )  # fmt: skip
    treasury_movements.check(world.ctx, movement)
    treasury_movements.move(world.ctx, movement)


def _treasury_payment_done(world: World, subject: Subject) -> None:
    assert world.transfers(destination=subject.more["address"]) == [3 * USD]


CASES = (
    Case("platform set-up", "platform.setup", _platform, _ask_platform, _platform_done),
    Case("wallet", "wallet.create", _new_user, _ask_wallet, _wallet_done),
    Case("pay-in", "topup.payin", _linked, _ask_topup, _topup_done),
    Case("pay-in canceled", "topup.cancel", _unpaid, _ask_cancel, _canceled),
    Case("deployment", "escrow.deploy", _to_deploy, _ask_deploy, _deploy_done),
    Case("funding", "escrow.fund", _to_fund, _ask_fund, _fund_done, skipped=("bridge",)),
    Case("bridged funding", "escrow.fund", _to_fund_bridged, _ask_fund, _fund_bridged_done),
    Case("release", "order.release", _funded, _ask_release, _release_done),
    Case(
        "refund",
        "order.refund",
        _funded,
        _ask_refund,
        _refund_done,
        planned=("dispute", "resolve", "make_whole"),
    ),
    Case(
        "milestone completed",
        "milestone.complete",
        _with_milestones,
        _ask_complete,
        _complete_done,
        planned=("complete_0",),
    ),
    Case(
        "milestone released",
        "milestone.release",
        _completed,
        _ask_milestone,
        _milestone_done,
        planned=("approve_0", "release_0"),
    ),
    Case("dispute", "dispute.open", _funded, _ask_dispute, _dispute_done),
    Case("resolution", "dispute.resolve", _disputed, _ask_resolve, _resolve_done),
    Case("withdrawal", "withdrawal.chain", _to_pay, _ask_pay, _pay_done, skipped=("bridge",)),
    Case("bridged withdrawal", "withdrawal.chain", _to_pay_bridged, _ask_pay, _pay_bridged_done),
    Case("pay-out", "withdrawal.airtm", _payee, _ask_payout, _payout_done),
    Case(
        "pay-out canceled",
        "withdrawal.cancel",
        _pending_payout,
        _ask_payout_cancel,
        _payout_canceled,
    ),
    Case(
        "split with dust",
        "dispute.resolve",
        _disputed_with_dust,
        _ask_split,
        _split_done,
        planned=("even_dust", "resolve"),
    ),
    Case("fuel", "wallet.fuel", _drained, _ask_fuel, _fuel_done),
    Case(
        "treasury payment",
        "treasury.payment",
        _outside_alone,
        _ask_treasury_payment,
        _treasury_payment_done,
    ),
    Case("sweep", "wallet.sweep", _with_excess, _ask_sweep, _sweep_done),
)

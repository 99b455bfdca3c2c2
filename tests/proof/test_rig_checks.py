"""The rig's checks notice what they are for: each is fed evidence in which one thing is wrong."""

from copy import deepcopy
from typing import Any

import pytest

from proof.rig import checks
from proof.rig.calls import Promise
from proof.rig.evidence import Evidence
from proof.rig.load import Ends

USD = 10_000_000
BUYER, SELLER, CONTRACT, WALLET = "usr_b", "usr_s", "CONTRACT", "WALLET"


def right() -> Evidence:
    """A deployment in which one order was released and one withdrawal paid; all is well."""
    order = {"id": "ord_1", "amount": "20.00", "status": "CLOSED", "way": "release",
             "buyer_id": BUYER, "seller_id": SELLER}  # fmt: skip
    paid = {"id": "wd_1", "amount": "5.00", "status": "WITHDRAWAL_COMPLETED", "user_id": BUYER}
    topup = {"id": "topup_1", "amount": "10.00", "net_amount_exact": "9.9000000",
             "status": "TOPUP_SUCCEEDED", "user_id": BUYER}  # fmt: skip
    fee, buyer = 56 * USD // 100, 100 * USD - 20 * USD - 5 * USD + 99 * USD // 10
    accounts = [(f"user:{BUYER}:available", buyer), (f"user:{SELLER}:available", 20 * USD - fee)]
    return Evidence(
        unfinished=[],
        entries=[
            ("tr_1", accounts[0][0], -buyer),
            ("tr_1", accounts[1][0], -accounts[1][1]),
            ("tr_1", "stellar.wallet:x", buyer + accounts[1][1]),
        ],
        accounts=accounts,
        book_findings=[],
        places=[
            {
                "account": "stellar.wallet:x",
                "place": WALLET,
                "ours": "7.0000000",
                "theirs": "7.0000000",
                "same": True,
            }
        ],
        world={
            "stellar": {
                "accounts": [{"address": WALLET, "usdc": "7.0000000"}],
                "contracts": [{"contract": CONTRACT, "balance": "0.0000000"}],
                "transfers": [
                    {"hash": "f", "from": WALLET, "to": CONTRACT, "amount": "20.0000000"},
                    {"hash": "r", "from": CONTRACT, "to": "S", "amount": "19.4400000"},
                    {"hash": "r", "from": CONTRACT, "to": "P", "amount": "0.5600000"},
                    {"hash": "w", "from": WALLET, "to": "OUT", "amount": "5.0000000"},
                ],
            },
            "airtm": {"payins": [{"code": "topup_1", "amount": "10.00"}], "payouts": []},
        },
        wallets=[WALLET],
        orders=[("ord_1", 20 * USD, "CLOSED")],
        topups=[("topup_1", 10 * USD, "TOPUP_SUCCEEDED")],
        withdrawals=[("wd_1", 5 * USD, "WITHDRAWAL_COMPLETED", "CRYPTO", "OUT")],
        escrows=[("ord_1", CONTRACT, 20 * USD, "RELEASED")],
        milestones=[],
        events=[(1, "evt_1"), (2, "evt_2"), (3, "evt_3")],
        after=1,
        read=[(2, "evt_2"), (3, "evt_3")],
        delivered={"evt_2": 1, "evt_3": 2},
        forged=[],
        audit={"valid": True},
        promises=[Promise(0.0, "k", "/orders", "{}", 201, order)],
        available={BUYER: buyer, SELLER: 20 * USD - fee},
        deposited={BUYER: 100 * USD},
        ends=Ends(orders=[order], topups=[topup], withdrawals=[paid]),
    )


def test_nothing_is_found_where_all_is_right() -> None:
    assert checks.findings(right()) == []
    assert checks.lost_or_doubled_stroops(right()) == 0


def _entry(e: Evidence) -> None:
    e.entries[0] = (*e.entries[0][:2], e.entries[0][2] + 1)


def _balance(e: Evidence) -> None:
    e.accounts[0] = (e.accounts[0][0], e.accounts[0][1] + 1)


def _world(e: Evidence) -> None:
    e.places[0] |= {"theirs": "7.0000001", "same": False}


def _stray_contract_money(e: Evidence) -> None:
    e.world["stellar"]["contracts"][0]["balance"] = "0.0000001"


def _second_contract(e: Evidence) -> None:
    e.world["stellar"]["contracts"].append({"contract": "OTHER", "balance": "0.0000000"})


def _again(number: int) -> Any:
    def tamper(e: Evidence) -> None:
        transfers = e.world["stellar"]["transfers"]
        transfers.append({**transfers[number], "hash": "again"})

    return tamper


def _payin_twice(e: Evidence) -> None:
    e.world["airtm"]["payins"] *= 2


def _unknown_payout(e: Evidence) -> None:
    e.world["airtm"]["payouts"].append({"code": "wd_9", "amount": "1.00"})


def _gap(e: Evidence) -> None:
    e.events[2] = (4, "evt_3")


def _unplaced(e: Evidence) -> None:
    e.events.append((None, "evt_4"))


def _unread(e: Evidence) -> None:
    e.read.pop(0)


def _backwards(e: Evidence) -> None:
    e.read.reverse()


def _undelivered(e: Evidence) -> None:
    del e.delivered["evt_3"]


def _forged(e: Evidence) -> None:
    e.forged = ["no signature matches (120 bytes)"]


def _audit(e: Evidence) -> None:
    e.audit = {"valid": False}


def _unfinished(e: Evidence) -> None:
    e.unfinished.append(("operations not at their end", 1))


def _gave_up(e: Evidence) -> None:
    e.ends.failures.append("/orders/ord_1 is still RELEASED")


def _lost_order(e: Evidence) -> None:
    e.orders.clear()


def _other_amount(e: Evidence) -> None:
    e.orders[0] = ("ord_1", 20 * USD + 1, "CLOSED")


def _went_back(e: Evidence) -> None:
    e.orders[0] = ("ord_1", 20 * USD, "IN_PROGRESS")


def _paid_twice(e: Evidence) -> None:
    e.available[SELLER] *= 2


@pytest.mark.parametrize(
    ("tamper", "begins"),
    [
        (_entry, "I1"), (_balance, "I2"), (_world, "I3"), (_stray_contract_money, "I3"),
        (_second_contract, "I4"), (_again(0), "I4"), (_again(1), "I4"), (_again(3), "I4"),
        (_payin_twice, "I4"), (_unknown_payout, "I4"), (_gap, "I5"), (_unplaced, "I5"),
        (_unread, "I5"), (_backwards, "I5"), (_undelivered, "I5"), (_forged, "I5"),
        (_audit, "I6"), (_unfinished, "I7"), (_gave_up, "I7"), (_lost_order, "promise"),
        (_other_amount, "promise"), (_went_back, "promise"), (_paid_twice, "replay"),
    ],
)  # fmt: skip
def test_a_tampered_deployment_is_noticed(tamper: Any, begins: str) -> None:
    evidence = deepcopy(right())
    tamper(evidence)
    assert any(found.startswith(begins) for found in checks.findings(evidence))


def test_lost_money_is_counted_to_the_stroop() -> None:
    evidence = right()
    evidence.available[BUYER] -= 1
    assert checks.lost_or_doubled_stroops(evidence) == 1

"""A pure model of the books, and a machine that plays random histories on both."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from offerhub.domain import fees
from offerhub.domain.errors import InsufficientFunds
from offerhub.ledger import accounts as a
from offerhub.ledger import checks, journal, payouts, transfers
from offerhub.store.database import atomic, proxy
from offerhub.store.failures import is_conflict
from tests.ledger.bookkeeping import NOW_MS

USERS = ("usr_a", "usr_b", "usr_c")
users = st.sampled_from(USERS)
amounts = st.integers(1, 10**15) | st.sampled_from([1, 100_000, 10_000_000])


class Histories(RuleBasedStateMachine):
    """The books beside plain counters. Subclasses give each example an empty database."""

    def open(self) -> None:
        """Connect to a database with no accounts in it."""
        raise NotImplementedError

    @initialize()
    def empty_books(self) -> None:
        self.open()
        self.model: Counter[str] = Counter()
        self.keys = 0
        self.posted: list[transfers.NewTransfer] = []
        with atomic():
            for user_id in USERS:
                journal.open_user(user_id)

    def teardown(self) -> None:
        proxy.obj.close_all()

    def _key(self) -> str:
        self.keys += 1
        return f"{self.keys}"

    def _post(self, transfer: transfers.NewTransfer, expected: dict[str, int]) -> bool:
        """Post, unless the model says that a user or an order would go below zero."""
        short = any(
            a.is_guarded(name) and self.model[name] + change < 0
            for name, change in expected.items()
        )
        try:
            with atomic():
                journal.post(transfer, now_ms=NOW_MS)
        except InsufficientFunds:
            assert short
            return False
        assert not short
        self.model.update(expected)
        self.posted.append(transfer)
        return True

    @rule(user=users, net=amounts, fee=st.integers(0, 10**9), platform=st.booleans())
    def top_up(self, user: str, net: int, fee: int, platform: bool) -> None:
        transfer = transfers.topup_credited(
            topup_id=self._key(), user_id=user, amount=net + fee, net=net, fee=fee,
            platform_bears_fee=platform,
        )  # fmt: skip
        changes = {a.user(user, a.AVAILABLE): net + fee * platform, a.AIRTM_TREASURY: net}
        if platform and fee:
            changes[a.FEES_AIRTM] = -fee
        self._post(transfer, changes)

    @rule(user=users, amount=amounts)
    def deposit(self, user: str, amount: int) -> None:
        transfer = transfers.deposit_credited(
            deposit_key=self._key(), deposit_id="dep_1", user_id=user, amount=amount
        )
        self._post(transfer, {a.user(user, a.AVAILABLE): amount, a.wallet(user): amount})

    @rule(user=users, amount=amounts, back=st.booleans())
    def reserve_and_perhaps_return(self, user: str, amount: int, back: bool) -> None:
        key, available = self._key(), a.user(user, a.AVAILABLE)
        reserve = transfers.funds_reserved(order_id=key, buyer_id=user, amount=amount)
        if self._post(reserve, {available: -amount, a.user(user, a.RESERVED): amount}) and back:
            returned = transfers.reserve_returned(order_id=key, buyer_id=user, amount=amount)
            self._post(returned, {available: amount, a.user(user, a.RESERVED): -amount})

    @rule(user=users, amount=amounts)
    def bridge_and_fund(self, user: str, amount: int) -> None:
        key = self._key()
        funded = transfers.escrow_funded(order_id=key, buyer_id=user, amount=amount)
        if not self._post(funded, {
            a.user(user, a.RESERVED): -amount, a.order_escrow(key): amount,
            a.wallet(user): -amount, a.contract(key): amount,
        }):  # fmt: skip
            return
        lacking = -self.model[a.wallet(user)]
        if lacking > 0:
            bridged = transfers.bridged(
                tx_hash=key, operation_id="opn_1", user_id=user, amount=lacking
            )
            self._post(bridged, {a.STELLAR_TREASURY: -lacking, a.wallet(user): lacking})

    @rule(data=st.data(), seller=users, fee_bps=st.integers(0, fees.MAX_PLATFORM_FEE_BPS))
    def release(self, data: st.DataObject, seller: str, fee_bps: int) -> None:
        held = sorted(n for n, v in self.model.items() if n.endswith(":escrow") and v > 0)
        if not held:
            return
        escrow = data.draw(st.sampled_from(held))
        order_id = str(a.owner(escrow))
        gross = self.model[escrow]
        paid = fees.release(gross, platform_fee_bps=fee_bps)
        (to_seller,) = paid.shares_stroops
        transfer = self.pay_out(
            order_id, seller, gross, to_seller, paid.platform_stroops, paid.protocol_stroops
        )
        self._post(transfer, {
            escrow: -gross, a.contract(order_id): -gross, a.user(seller, a.AVAILABLE): to_seller,
            a.wallet(seller): to_seller, a.FEES_PLATFORM: paid.platform_stroops,
            a.STELLAR_TREASURY: paid.platform_stroops,
        })  # fmt: skip

    @staticmethod
    def pay_out(
        order_id: str, seller: str, gross: int, to_seller: int, platform: int, protocol: int
    ) -> transfers.NewTransfer:
        return payouts.escrow_paid_out(
            kind=payouts.RELEASED, reference=order_id, order_id=order_id, buyer_id="usr_none",
            seller_id=seller, owed=gross, to_buyer=0, to_seller=to_seller, to_platform=platform,
            to_protocol=protocol,
        )  # fmt: skip

    @rule(user=users, amount=amounts, end=st.sampled_from(["held", "returned", "chain", "airtm"]))
    def withdraw(self, user: str, amount: int, end: str) -> None:
        key = self._key()
        given: dict[str, Any] = {"withdrawal_id": key, "user_id": user, "amount": amount}
        available, held = a.user(user, a.AVAILABLE), a.user(user, a.WITHDRAWING)
        if not self._post(transfers.withdrawal_held(**given), {available: -amount, held: amount}):
            return
        if end == "returned":
            back = transfers.withdrawal_returned(**given)
            self._post(back, {available: amount, held: -amount})
        elif end == "chain":
            paid = transfers.withdrawal_paid_on_chain(**given)
            self._post(paid, {held: -amount, a.wallet(user): -amount})
        elif end == "airtm":
            paid = transfers.withdrawal_paid_by_airtm(**given)
            self._post(paid, {held: -amount, a.AIRTM_TREASURY: -amount})

    @rule(data=st.data())
    def post_again(self, data: st.DataObject) -> None:
        """What was posted once is refused, and changes nothing."""
        if not self.posted:
            return
        again = data.draw(st.sampled_from(self.posted))
        with pytest.raises(Exception) as refused, atomic():  # noqa: PT011 - looked at below
            journal.post(again, now_ms=NOW_MS)
        assert isinstance(refused.value, InsufficientFunds) or is_conflict(refused.value)

    @invariant()
    def the_books_are_right_and_equal_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        with atomic():
            assert checks.check() == []
            sheet = checks.sheet()
            assert sheet.assets_stroops == sheet.liabilities_stroops + sheet.equity_stroops
            names = [name for name in self.model if a.is_guarded(name)]
            assert {n: journal.balance(n) for n in names} == {n: self.model[n] for n in names}
        others = {**sheet.assets, **sheet.equity}
        for name, expected in self.model.items():
            if not a.is_guarded(name):
                assert others.get(name, 0) == expected, name

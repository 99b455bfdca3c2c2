"""The story: two users, money in two ways, one order to its end, one canceled, money out twice."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from offerhub.cli.demo.sandbox import SandboxControl
from offerhub.cli.demo.telling import Teller
from offerhub.cli.exits import Failure
from offerhub.sdk import OfferHub

WAIT_S = 60.0
TREASURY_FLOAT = "1000.00"
TOPUP = "150.00"
DEPOSIT = "25.1234567"
ORDER = "120.00"
CANCELED_ORDER = "10.00"
CHAIN_WITHDRAWAL = "40.00"
AIRTM_WITHDRAWAL = "30.00"


class Story:
    """Runs once per call, under names of its own, so that it can be told again in one place."""

    def __init__(self, client: OfferHub, sandbox: SandboxControl, tell: Teller) -> None:
        self.client = client
        self.sandbox = sandbox
        self.tell = tell
        self.run_id = uuid4().hex[:8]
        self.facts: dict[str, Any] = {"run": self.run_id}

    def run(self) -> dict[str, Any]:
        """All chapters; the ids and balances. Raises: Failure when one does not end well."""
        self._fund_treasury()
        self._users()
        self._topup()
        self._deposit()
        self._order()
        self._cancel()
        self._withdraw_on_chain()
        self._withdraw_to_airtm()
        self.facts["balances"] = {
            name: {
                "available": balance.available_exact,
                "reserved": balance.reserved_exact,
                "withdrawing": balance.withdrawing_exact,
            }
            for name, balance in self._balances()
        }
        return self.facts

    def _fund_treasury(self) -> None:
        self.tell.step("The operator puts USDC into the platform's own wallet (its chain float)")
        address = self.client.config().providers["stellar"]["treasury_address"]
        hash_ = self._until(
            lambda: self._try_send(address, TREASURY_FLOAT), "the platform's wallets to be set up"
        )
        self.tell.fact("treasury", address)
        self.tell.fact("received", f"{TREASURY_FLOAT} USDC, transaction {hash_}")

    def _try_send(self, address: str, amount: str) -> str | None:
        try:
            return self.sandbox.send_usdc(address, amount)
        except RuntimeError:
            return None  # no trustline yet: the set-up is still under way

    def _users(self) -> None:
        self.tell.step("Two users register; each gets an invisible Stellar wallet")
        people = {}
        for role, kind in (("buyer", "BUYER"), ("seller", "SELLER")):
            email = f"{role}-{self.run_id}@example.com"
            self.sandbox.person(email, first_name="Demo", last_name=role.title(), wallet="1000.00")
            user = self.client.users.create(
                external_user_id=f"{role}-{self.run_id}", type=kind, email=email
            )
            self.client.users.link_airtm(user.id, email=email)
            people[role] = user.id
            self.facts[f"{role}_id"], self.facts[f"{role}_email"] = user.id, email
        for role, user_id in people.items():
            wallet = self._until(partial(self._ready_wallet, user_id), "a wallet")
            self.facts[f"{role}_address"] = wallet
            self.tell.fact(role, f"{user_id}, wallet {wallet}")

    def _ready_wallet(self, user_id: str) -> str | None:
        wallet = self.client.users.wallet(user_id)
        return wallet.address if wallet.status == "ACTIVE" else None

    def _topup(self) -> None:
        self.tell.step(f"The buyer tops up {TOPUP} USD through Airtm")
        topup = self.client.topups.create(
            user_id=self.facts["buyer_id"],
            amount=TOPUP,
            return_url="http://localhost/paid",
            cancel_url="http://localhost/canceled",
        )
        topup = self.client.topups.wait_for(
            topup.id, {"TOPUP_AWAITING_USER_CONFIRMATION"}, timeout_s=WAIT_S
        )
        self.tell.fact("checkout page", topup.confirmation_url)
        landing = self.sandbox.pay_at_checkout(
            str(topup.confirmation_url), email=self.facts["buyer_email"]
        )
        self.sandbox.follow(landing)
        topup = self.client.topups.wait_for(topup.id, {"TOPUP_SUCCEEDED"}, timeout_s=WAIT_S)
        self.facts["topup_id"] = topup.id
        self.tell.fact("credited", f"{topup.net_amount_exact} after Airtm's fee {topup.fee_exact}")
        self.tell.balances(self._balances())

    def _deposit(self) -> None:
        self.tell.step(f"The buyer sends {DEPOSIT} USDC to the own deposit address")
        deposit = self.client.users.deposit_instructions(self.facts["buyer_id"])
        before = self.client.users.balance(self.facts["buyer_id"]).available_exact
        hash_ = self.sandbox.send_usdc(deposit.address, DEPOSIT)
        self.facts["deposit_tx_hash"] = hash_
        self._until(
            lambda: self.client.users.balance(self.facts["buyer_id"]).available_exact != before,
            "the deposit to be seen",
        )
        self.tell.fact("transaction", hash_)
        self.tell.balances(self._balances())

    def _order(self) -> None:
        self.tell.step(f"An order of {ORDER} USD: reserve, escrow contract, fund, release")
        orders = self.client.orders
        order = orders.create(
            buyer_id=self.facts["buyer_id"],
            seller_id=self.facts["seller_id"],
            amount=ORDER,
            title="Logo design",
            client_order_ref=f"demo-{self.run_id}",
        )
        self.facts["order_id"] = order.id
        self.tell.fact("order", order.id)
        orders.reserve(order.id)
        self.tell.balances(self._balances())
        orders.create_escrow(order.id)
        order = orders.wait_for(order.id, {"ESCROW_FUNDING"}, timeout_s=WAIT_S)
        assert order.escrow is not None
        self.tell.fact("contract", order.escrow.trustless_contract_id)
        orders.fund_escrow(order.id)
        order = orders.wait_for(order.id, {"IN_PROGRESS"}, timeout_s=WAIT_S)
        assert order.escrow is not None
        self.tell.fact("funded", f"transaction {order.escrow.fund_tx_hash}")
        self.tell.balances(self._balances())
        orders.release(order.id)
        order = orders.wait_for(order.id, {"CLOSED"}, timeout_s=WAIT_S)
        assert order.escrow is not None
        self.facts |= {
            "contract_id": order.escrow.trustless_contract_id,
            "deploy_tx_hash": order.escrow.deploy_tx_hash,
            "fund_tx_hash": order.escrow.fund_tx_hash,
            "release_tx_hash": order.escrow.release_tx_hash,
            "order_status": order.status,
            "order_resolution": order.resolution,
        }
        self.tell.fact("released", f"transaction {order.escrow.release_tx_hash}")
        self.tell.balances(self._balances())

    def _cancel(self) -> None:
        self.tell.step(f"Another order of {CANCELED_ORDER} USD is reserved and canceled")
        orders = self.client.orders
        order = orders.create(
            buyer_id=self.facts["buyer_id"],
            seller_id=self.facts["seller_id"],
            amount=CANCELED_ORDER,
            title="Second thoughts",
        )
        orders.reserve(order.id)
        order = orders.cancel(order.id, reason="changed their mind", requested_by="BUYER")
        self.facts["canceled_order_id"] = order.id
        self.tell.fact("order", f"{order.id} is {order.status} ({order.resolution})")
        self.tell.balances(self._balances())

    def _withdraw_on_chain(self) -> None:
        self.tell.step(f"The seller withdraws {CHAIN_WITHDRAWAL} USD to a wallet outside")
        withdrawal = self.client.withdrawals.create(
            user_id=self.facts["seller_id"],
            amount=CHAIN_WITHDRAWAL,
            destination_type="CRYPTO",
            destination_ref=self.sandbox.outside_account(),
        )
        withdrawal = self.client.withdrawals.wait_for(
            withdrawal.id, {"WITHDRAWAL_COMPLETED"}, timeout_s=WAIT_S
        )
        self.facts["chain_withdrawal_id"] = withdrawal.id
        self.facts["withdrawal_tx_hash"] = withdrawal.stellar_tx_hash
        self.tell.fact("paid", f"transaction {withdrawal.stellar_tx_hash}")
        self.tell.balances(self._balances())

    def _withdraw_to_airtm(self) -> None:
        self.tell.step(f"The seller withdraws {AIRTM_WITHDRAWAL} USD to Airtm")
        withdrawal = self.client.withdrawals.create(
            user_id=self.facts["seller_id"],
            amount=AIRTM_WITHDRAWAL,
            destination_type="AIRTM_BALANCE",
            destination_ref=self.facts["seller_email"],
            commit=True,
        )
        withdrawal = self.client.withdrawals.wait_for(
            withdrawal.id, {"WITHDRAWAL_COMPLETED"}, timeout_s=WAIT_S
        )
        self.facts["airtm_withdrawal_id"] = withdrawal.id
        self.tell.fact(
            "paid", f"{withdrawal.net_amount_exact}, pay-out {withdrawal.airtm_payout_id}"
        )
        self.tell.balances(self._balances())

    def _balances(self) -> list[tuple[str, Any]]:
        users = self.client.users
        return [(role, users.balance(self.facts[f"{role}_id"])) for role in ("buyer", "seller")]

    def _until(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true answer. Raises: Failure after WAIT_S."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.4)
        raise Failure(f"waited {WAIT_S:.0f} s for {what} in vain; see `offerhub logs`.")

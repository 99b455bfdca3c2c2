"""Making a refunded buyer whole: what the contract kept as fees comes back."""

from collections.abc import Sequence
from typing import Any

from offerhub.ledger import journal, payouts
from offerhub.ports.chain import SignedTransaction
from offerhub.services.announcements import announce
from offerhub.services.chain_steps import ChainStep, moved
from offerhub.services.flows import treasury_float
from offerhub.services.flows.contract_steps import escrow_of
from offerhub.services.orders import balance_event
from offerhub.services.steps import Contradiction, Done, Run, Sought, payment
from offerhub.store.operations import Step as StepRow


class MakeWhole(ChainStep):
    """After a full refund the platform gives the fees back, by a payment from its own wallet."""

    name = "make_whole"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def skip(self, run: Run) -> str | None:
        if run.app.policy.refund_fee_bearer == "buyer":
            return "the buyer bears the fees by policy"
        return None if sum(self._fees(run)) > 0 else "the contract took no fees"

    def sent_before(self, run: Run) -> Sought | Done | None:
        return payment(
            source=run.app.platform_keys.treasury.address,
            destination=escrow_of(run).buyer_address,
            amount_stroops=sum(self._fees(run)),
        )

    def build(self, run: Run) -> SignedTransaction | Done:
        amount = sum(self._fees(run))
        treasury_float.require(amount)
        return run.app.chain.build_payment(
            source=run.app.platform_keys.treasury,
            destination=escrow_of(run).buyer_address,
            amount_stroops=amount,
        )

    def request(self, run: Run) -> dict[str, Any]:
        platform, protocol = self._fees(run)
        return {"platform_fee": platform, "protocol_fee": protocol}

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        escrow = escrow_of(run)
        platform, protocol = row.request["platform_fee"], row.request["protocol_fee"]
        paid = moved(
            facts,
            self.name,
            source=run.app.platform_keys.treasury.address,
            destination=escrow.buyer_address,
        )
        if paid != platform + protocol:
            raise Contradiction(f"making {escrow.order_id} whole moved {paid} stroops")
        buyer_id = run.operation.params["buyer_id"]
        posted = journal.post(
            payouts.refund_made_whole(
                tx_hash=facts[f"{self.name}_hash"],
                order_id=escrow.order_id,
                buyer_id=buyer_id,
                platform_fee=platform,
                protocol_fee=protocol,
            ),
            now_ms=run.ctx.now_ms(),
        )
        announce(
            run.ctx,
            balance_event(
                "balance.credited", buyer_id, paid, posted.transfer_id, "order", escrow.order_id
            ),
        )

    def _fees(self, run: Run) -> tuple[int, int]:
        """(platform's, protocol's) stroops that this operation's payouts took."""
        escrow = escrow_of(run)
        platform = protocol = 0
        for name, transfers in run.operation.facts.items():
            if name.startswith("resolve") and name.endswith("_transfers"):
                for transfer in transfers:
                    if transfer["to"] == escrow.platform_address:
                        platform += transfer["amount"]
                    elif transfer["to"] not in {escrow.buyer_address, escrow.seller_address}:
                        protocol += transfer["amount"]
        return platform, protocol

"""Paying from the platform's own wallet to an address that the operator named.

The money leaves the platform, or is under way to the other rail. Booked when it is on chain.
"""

from collections.abc import Sequence
from typing import Any

from offerhub.ledger import accounts, adjustments, journal
from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import operations
from offerhub.services.chain_steps import ChainStep, moved
from offerhub.services.flows import treasury_float
from offerhub.services.steps import BaseFlow, Contradiction, Done, Run, Sought, Step, payment
from offerhub.store.operations import Step as StepRow


class Pay(ChainStep):
    """A USDC payment, signed by the treasury's key."""

    name = "pay"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def sent_before(self, run: Run) -> Sought | Done | None:
        return payment(
            source=run.app.platform_keys.treasury.address,
            destination=run.app.chain.base_address(run.params["destination"]) or "",
            amount_stroops=run.params["amount_stroops"],
        )

    def build(self, run: Run) -> SignedTransaction | Done:
        amount = int(run.params["amount_stroops"])
        treasury_float.require(amount)
        return run.app.chain.build_payment(
            source=run.app.platform_keys.treasury,
            destination=run.params["destination"],
            amount_stroops=amount,
            memo=run.params["memo"],
            memo_type="text" if run.params["memo"] is not None else None,
        )

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        amount = int(run.params["amount_stroops"])
        paid = moved(facts, "pay", source=run.app.platform_keys.treasury.address)
        if paid != amount:
            raise Contradiction(f"the treasury paid {paid}, not {amount} stroops")
        reference = str(run.params["reference"])
        transfer = (
            adjustments.treasury_sent(
                reference=reference, account=accounts.STELLAR_TREASURY,
                transit=run.operation.id, amount=amount,
            )
            if run.params["toward"] is not None
            else adjustments.treasury_recorded(
                reference=reference, account=accounts.STELLAR_TREASURY, amount_in=0,
                amount_out=amount,
            )
        )  # fmt: skip
        journal.post(transfer, now_ms=run.ctx.now_ms())


class TreasuryPayment(BaseFlow):
    """Refused: nothing left and nothing was booked, so it has failed and that is all."""

    kind = operations.TREASURY_PAYMENT
    steps: Sequence[Step] = (Pay(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "FAILED"

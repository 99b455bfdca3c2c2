"""Refilling a wallet with XLM for its fees, from the treasury. Nothing in the books moves."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import audit, operations
from offerhub.services.chain_steps import ChainStep
from offerhub.services.steps import BaseFlow, Done, Run, Step
from offerhub.store.operations import Step as StepRow


class PayXlm(ChainStep):
    """Treasury to wallet. A treasury without XLM makes it wait, and spends no attempt."""

    name = "pay_xlm"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def request(self, run: Run) -> dict[str, Any]:
        return {"xlm_stroops": run.app.policy.wallet_xlm_refill_stroops}

    def build(self, run: Run) -> SignedTransaction | Done:
        params = run.operation.params
        account = run.app.chain.account(params["address"])
        enough = account and account.xlm_stroops >= run.app.policy.wallet_xlm_low_stroops
        if enough and not params["at_any_rate"]:
            return Done()
        return run.app.chain.build_xlm_payment(
            source=run.app.platform_keys.treasury,
            destination=params["address"],
            amount_stroops=run.app.policy.wallet_xlm_refill_stroops,
        )

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if row.tx_hash is None:
            return
        audit.record(
            run.ctx, action="wallet.refilled", resource_type="wallet",
            resource_id=run.operation.subject_id,
            after={"address": run.operation.params["address"], "tx_hash": row.tx_hash,
                   "xlm_stroops": row.request["xlm_stroops"]},
        )  # fmt: skip


class WalletFuel(BaseFlow):
    """Whoever needs the wallet waits for it; a refusal is shown to an operator."""

    kind = operations.WALLET_FUEL
    steps: Sequence[Step] = (PayXlm(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """Those that wait are woken as the treasury's claim ends."""

"""Sweeping: USDC in a wallet beyond what its user is owed goes back to the treasury."""

from collections.abc import Sequence
from typing import Any

from offerhub.ledger import journal, transfers
from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import operations
from offerhub.services.chain_steps import ChainStep, moved
from offerhub.services.excess import excess_of
from offerhub.services.flows.keys import user_key
from offerhub.services.steps import BaseFlow, Done, Run, Sought, Step, payment
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow


class Sweep(ChainStep):
    """Wallet to treasury, signed by the user's invisible wallet."""

    name = "sweep"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.operation.params["address"],)

    def fee_payer(self, run: Run) -> str | None:
        return str(run.operation.params["user_id"])

    def skip(self, run: Run) -> str | None:
        return None if self._excess(run) > 0 else "nothing beyond what the user is owed"

    def sent_before(self, run: Run) -> Sought | Done | None:
        return payment(
            source=run.operation.params["address"],
            destination=run.app.platform_keys.treasury.address,
            amount_stroops=self._excess(run),
        )

    def build(self, run: Run) -> SignedTransaction | Done:
        # Read again, once: the user may have been credited since, and then is owed more.
        excess = self._excess(run)
        if excess <= 0:
            return Done()
        return run.app.chain.build_payment(
            source=user_key(run.app, run.operation.params["user_id"]),
            destination=run.app.platform_keys.treasury.address,
            amount_stroops=excess,
        )

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if "sweep_hash" not in facts:
            return
        journal.post(
            transfers.swept(
                tx_hash=facts["sweep_hash"],
                operation_id=run.operation.id,
                user_id=run.operation.params["user_id"],
                amount=moved(
                    facts,
                    "sweep",
                    source=run.operation.params["address"],
                    destination=run.app.platform_keys.treasury.address,
                ),
            ),
            now_ms=run.ctx.now_ms(),
        )

    def _excess(self, run: Run) -> int:
        with connection():
            return excess_of(run.operation.params["user_id"])


class WalletSweep(BaseFlow):
    """Nobody waits for it; a refusal is shown to an operator."""

    kind = operations.WALLET_SWEEP
    steps: Sequence[Step] = (Sweep(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """Nothing further."""

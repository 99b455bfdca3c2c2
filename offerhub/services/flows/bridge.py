"""The bridge: a wallet gets from the treasury what its user's money on another rail stands for.

Used before a wallet pays on chain. Decided while both wallets are claimed, so that two operations
of one user cannot count the same USDC twice.
"""

from collections.abc import Callable, Sequence
from typing import Any

from offerhub.ledger import accounts, journal, transfers
from offerhub.services.chain_steps import ChainStep, intent, moved
from offerhub.services.flows import treasury_float
from offerhub.services.flows.keys import user_address
from offerhub.services.steps import Done, Prepared, Run, Sought, payment
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow


class Bridge(ChainStep):
    """Treasury to wallet, by what the wallet lacks of `needed` (a function of the run, stroops)."""

    name = "bridge"

    def __init__(self, needed: Callable[[Run], int]) -> None:
        self.needed = needed

    def claims(self, run: Run) -> Sequence[str]:
        treasury = run.app.platform_keys.treasury.address
        return (treasury, user_address(run.operation.params[_user(run)]))

    def skip(self, run: Run) -> str | None:
        return "the wallet holds enough" if self._lacking(run) <= 0 else None

    def sent_before(self, run: Run) -> Sought | Done | None:
        return payment(
            source=run.app.platform_keys.treasury.address,
            destination=user_address(run.operation.params[_user(run)]),
            amount_stroops=self._lacking(run),
        )

    def intend(self, run: Run) -> Prepared | Done:
        # Read once: a deposit may be credited at any moment, and then less is lacking.
        lacking = self._lacking(run)
        if lacking <= 0:
            return Done()
        treasury_float.require(lacking)
        built = run.app.chain.build_payment(
            source=run.app.platform_keys.treasury,
            destination=user_address(run.operation.params[_user(run)]),
            amount_stroops=lacking,
        )
        return intent({"amount_stroops": lacking}, built)

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        if "bridge_hash" not in facts:
            return
        user_id = run.operation.params[_user(run)]
        journal.post(
            transfers.bridged(
                tx_hash=facts["bridge_hash"],
                operation_id=run.operation.id,
                user_id=user_id,
                amount=moved(
                    facts,
                    "bridge",
                    source=run.app.platform_keys.treasury.address,
                    destination=user_address(user_id),
                ),
            ),
            now_ms=run.ctx.now_ms(),
        )

    def _lacking(self, run: Run) -> int:
        with connection():
            held = journal.balance(accounts.wallet(run.operation.params[_user(run)]))
            return self.needed(run) - held


def _user(run: Run) -> str:
    """The parameter that names whose wallet is to pay."""
    return "buyer_id" if "buyer_id" in run.operation.params else "user_id"

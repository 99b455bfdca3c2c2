"""Making a user's wallet: account, sponsored reserves and trustline in one transaction."""

from collections.abc import Sequence
from typing import Any

from offerhub.domain.users import WALLET
from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import audit, operations
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.chain_steps import ChainStep
from offerhub.services.flows.keys import wallet_key
from offerhub.services.steps import BaseFlow, Done, Run, Sought, Step
from offerhub.store import users as store
from offerhub.store.operations import Step as StepRow


class Create(ChainStep):
    """The platform sponsors and pays; both sign."""

    name = "create_wallet"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def sent_before(self, run: Run) -> Sought | Done | None:
        address = wallet_key(run.app, run.operation.subject_id).address
        account = run.app.chain.account(address)
        return Done() if account is not None and account.has_trustline else None

    def build(self, run: Run) -> SignedTransaction | Done:
        return run.app.chain.build_wallet(
            sponsor=run.app.platform_keys.treasury,
            wallet=wallet_key(run.app, run.operation.subject_id),
            starting_xlm_stroops=run.app.policy.wallet_xlm_stroops,
        )

    def request(self, run: Run) -> dict[str, Any]:
        # Nothing that reached the wallet can lie before the ledger that is newest now.
        return {"cursor": str(run.app.chain.head().sequence << 32)}

    def on_prepared(self, run: Run, row: StepRow) -> None:
        wallet = store.wallet_for_update(run.operation.subject_id)
        if wallet is not None and wallet.cursor == "0":
            wallet.cursor = row.request["cursor"]
            wallet.save(only=["cursor"])

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        wallet = store.wallet_for_update(run.operation.subject_id)
        assert wallet is not None
        wallet.status = WALLET.check(wallet.status, "ACTIVE", resource_id=wallet.id)
        wallet.updated_at = run.ctx.now_ms()
        wallet.save(only=["status", "updated_at"])
        shown = {"id": wallet.id, "user_id": wallet.user_id, "address": wallet.address}
        audit.record(
            run.ctx, action="wallet.created", resource_type="wallet", resource_id=wallet.id,
            after=shown,
        )  # fmt: skip
        announce(
            run.ctx, NewEvent("wallet.created", wallet.id, {"wallet": shown}, (wallet.user_id,))
        )


class WalletCreate(BaseFlow):
    """A refusal is the platform's matter (too little XLM, say): an operator decides."""

    kind = operations.WALLET_CREATE
    steps: Sequence[Step] = (Create(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """Nothing further."""

"""Releasing a single-release escrow: the buyer approves, the platform's release wallet releases."""

from collections.abc import Sequence
from typing import Any

from offerhub.ports.chain import SignedTransaction
from offerhub.ports.errors import Rejected
from offerhub.services import operations, releases
from offerhub.services.chain_steps import ChainStep
from offerhub.services.flows.keys import user_address, user_key
from offerhub.services.steps import BaseFlow, Done, Run, Step
from offerhub.store import orders as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow
from offerhub.store.operations import latest_step


def _contract(run: Run) -> str:
    with connection():
        return str(store.Escrow.get_by_id(run.operation.params["escrow_id"]).trustless_contract_id)


class EscrowStep(ChainStep):
    """A call on the contract, sent through the escrow service."""

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        run.app.escrows.send(transaction)
        return None


class Approve(EscrowStep):
    """Irreversible on chain, and moves nothing. Approved already is as good as approved now."""

    name = "approve"

    def claims(self, run: Run) -> Sequence[str]:
        return (user_address(run.operation.params["buyer_id"]),)

    def build(self, run: Run) -> SignedTransaction | Done:
        contract_id = _contract(run)
        facts = run.app.escrows.read(contract_id, multi_release=False)
        if facts is not None and all(m.approved for m in facts.milestones):
            return Done({"approve_found": True})
        return run.app.escrows.build_approve(
            contract_id,
            multi_release=False,
            milestone_index=0,
            signer=user_key(run.app, run.operation.params["buyer_id"]),
        )


class Release(EscrowStep):
    """Pays the seller, the platform and the protocol, as the contract divides it."""

    name = "release"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.release.address,)

    def build(self, run: Run) -> SignedTransaction | Done:
        return run.app.escrows.build_release(
            _contract(run), milestone_index=None, signer=run.app.platform_keys.release
        )

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        releases.apply_released(
            run.ctx,
            run.operation.subject_id,
            paid=facts["release_transfers"],
            tx_hash=facts["release_hash"],
        )


class OrderRelease(BaseFlow):
    """Back to IN_PROGRESS only while nothing is on chain; afterwards an operator decides."""

    kind = operations.ORDER_RELEASE
    steps: Sequence[Step] = (Approve(), Release())

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        approved = latest_step(run.operation.id, "approve")
        if approved is not None and approved.status == "SUCCEEDED":
            return "STUCK"
        releases.apply_release_refused(
            run.ctx, run.operation.subject_id, reason=failure.message[:500]
        )
        return "FAILED"

    def finished(self, run: Run) -> None:
        """The order is closed."""

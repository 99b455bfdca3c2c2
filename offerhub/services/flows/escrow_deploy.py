"""Deploying an order's escrow contract, signed by the platform."""

from collections.abc import Sequence
from typing import Any

import structlog

from offerhub.ports.chain import SignedTransaction, TransactionOutcome
from offerhub.ports.errors import ProviderFailure, Rejected
from offerhub.services import escrows, operations
from offerhub.services.chain_steps import ChainStep, facts_of, transaction_of
from offerhub.services.steps import BaseFlow, Contradiction, Done, Run, Sought, Step, Wait
from offerhub.store import orders as store
from offerhub.store.database import connection
from offerhub.store.operations import Step as StepRow

log = structlog.get_logger(__name__)


class Deploy(ChainStep):
    """The one call whose result cannot be named beforehand: the contract's id comes with it."""

    name = "deploy"

    def claims(self, run: Run) -> Sequence[str]:
        return (run.app.platform_keys.treasury.address,)

    def sent_before(self, run: Run) -> Sought | Done | None:
        return Sought(
            run.app.platform_keys.treasury.address,
            lambda sent, _: self._is_deployment(run, sent),
        )

    def _is_deployment(self, run: Run, sent: SignedTransaction) -> bool:
        try:
            possible = run.app.escrows.deployed_at(sent)
        except ValueError:
            return False
        return self._find(run, possible) is not None

    def build(self, run: Run) -> SignedTransaction | Done:
        with connection():
            order = store.Order.get_by_id(run.operation.subject_id)
            escrow = store.Escrow.get_by_id(run.operation.params["escrow_id"])
            terms = escrows.terms_of(order, escrow)
        return run.app.escrows.build_deploy(terms, signer=run.app.platform_keys.treasury)

    def send(self, run: Run, transaction: SignedTransaction) -> dict[str, Any] | None:
        sent = run.app.escrows.send(transaction)
        return {"contract_id": sent.contract_id} if sent.contract_id else None

    def outcome(self, run: Run, row: StepRow, result: TransactionOutcome) -> Done | Wait:
        possible = run.app.escrows.deployed_at(transaction_of(row))
        contract_id = (row.outcome or {}).get("contract_id") or self._find(run, possible)
        if contract_id is not None and contract_id not in possible:
            raise Contradiction(
                f"ALARM: the service names {contract_id}, which transaction {result.hash} cannot"
                " have created"
            )
        if contract_id is None:
            # The service's index lags behind the chain, or never heard how its sending ended.
            try:
                run.app.escrows.follow(result.hash)
            except ProviderFailure as failure:
                log.info("deploy.not_indexed", error=failure.message)
            return Wait(1.0)
        return Done({**facts_of(self.name, result), "contract_id": contract_id})

    def apply(self, run: Run, row: StepRow, facts: dict[str, Any]) -> None:
        escrows.apply_deployed(
            run.ctx,
            run.operation.subject_id,
            contract_id=facts["contract_id"],
            tx_hash=facts["deploy_hash"],
        )

    def _find(self, run: Run, possible: frozenset[str]) -> str | None:
        """Our contract among those of this order: ours by address, parties and amount.

        Of several, the oldest that is funded, else the oldest (trustless-work, "Idempotency").
        """
        with connection():
            escrow = store.Escrow.get_by_id(run.operation.params["escrow_id"])
        found = [
            facts
            for facts in run.app.escrows.find_by_order(
                run.operation.subject_id, signer=run.app.platform_keys.treasury.address
            )
            if facts.contract_id in possible
            and facts.buyer == escrow.buyer_address
            and facts.seller == escrow.seller_address
            and facts.amount_stroops == escrow.amount
        ]
        funded = [facts for facts in found if facts.balance_stroops > 0]
        chosen = (funded or found)[:1]
        return chosen[0].contract_id if chosen else None


class EscrowDeploy(BaseFlow):
    """A definite refusal puts the order back to FUNDS_RESERVED."""

    kind = operations.ESCROW_DEPLOY
    steps: Sequence[Step] = (Deploy(),)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        escrows.apply_deploy_refused(
            run.ctx, run.operation.subject_id, reason=failure.message[:500]
        )
        return "FAILED"

    def finished(self, run: Run) -> None:
        """The order waits for its funding."""

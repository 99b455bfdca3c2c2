"""A sandbox network with everybody an order needs, and the escrow adapter over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from offerhub.ports.chain import SignedTransaction, SigningKey
from offerhub.ports.escrow import EscrowFacts, EscrowTerms, MilestoneTerms
from offerhub.providers.trustlesswork.adapter import TrustlessWorkEscrows
from offerhub.providers.trustlesswork.client import connect
from offerhub.sandbox.trustless_work.blueprint import trustless_work_blueprint
from offerhub.sandbox.trustless_work.contracts import FACTORIES, WASM_HASHES
from tests.providers.network_world import UNIT, World, world

API_KEY = "sandbox-key"


@dataclass
class Market:
    """A network with everybody an order needs, and the escrow adapter."""

    net: World
    escrows: TrustlessWorkEscrows
    buyer: SigningKey
    seller: SigningKey
    platform: SigningKey
    release: SigningKey
    resolver: SigningKey

    def terms(self, *amounts: int, order_id: str = "ord_1", multi: bool = False) -> EscrowTerms:
        return EscrowTerms(
            order_id=order_id,
            multi_release=multi,
            title="Order 1042",
            description="Logo design",
            buyer=self.buyer.address,
            seller=self.seller.address,
            platform=self.platform.address,
            release_signer=self.release.address,
            dispute_resolver=self.resolver.address,
            amount_stroops=sum(amounts),
            platform_fee_bps=250,
            milestones=tuple(
                MilestoneTerms(f"Part {number}", amount)
                for number, amount in enumerate(amounts, start=1)
            ),
        )

    def deploy(self, terms: EscrowTerms) -> str:
        sent = self.escrows.send(self.escrows.build_deploy(terms, signer=self.platform))
        assert sent.contract_id is not None
        return sent.contract_id

    def funded(self, terms: EscrowTerms) -> str:
        id_ = self.deploy(terms)
        self.escrows.send(self.escrows.build_fund(id_, terms, signer=self.buyer))
        return id_

    def approve(self, id_: str, *, multi: bool, index: int = 0) -> None:
        self.escrows.send(
            self.escrows.build_approve(
                id_, multi_release=multi, milestone_index=index, signer=self.buyer
            )
        )

    def read(self, id_: str, *, multi: bool = False) -> EscrowFacts:
        facts = self.escrows.read(id_, multi_release=multi)
        assert facts is not None
        return facts

    def transfers(self, transaction: SignedTransaction) -> dict[str, int]:
        """What a transaction moved, by receiver, as the chain says."""
        outcome = self.net.chain.transaction(transaction.hash)
        assert outcome is not None
        assert outcome.successful
        return {one.destination: one.amount_stroops for one in outcome.transfers}


def adapter(net: World, *, api_key: str = API_KEY, **settings: object) -> TrustlessWorkEscrows:
    fields: dict[str, object] = {
        "factory_ids": tuple(FACTORIES.values()),
        "wasm_hashes": tuple(one.hex() for one in WASM_HASHES.values()),
        **settings,
    }
    return TrustlessWorkEscrows(
        connect(f"{net.url}/trustless-work", api_key=api_key),
        passphrase=net.network.passphrase,
        usdc_issuer=net.network.issuer_address,
        limiter=net.limiter,
        **fields,  # type: ignore[arg-type]
    )


@contextmanager
def open_market() -> Iterator[Market]:
    """A market of its own: wallets with trustlines, and a buyer with 1,000 USDC."""

    def routes(chain: Any) -> Any:
        return trustless_work_blueprint(chain, api_key=API_KEY, rate_limit=None, send_timeout_s=0.5)

    with world(routes) as net:
        yield Market(
            net,
            adapter(net),
            buyer=net.wallet(usdc_stroops=1_000 * UNIT),
            seller=net.wallet(),
            platform=net.wallet(),
            release=net.wallet(),
            resolver=net.wallet(),
        )

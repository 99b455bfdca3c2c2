"""A marketplace's people around an escrow, and the API calls they make, for the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Flask
from stellar_sdk import Keypair, TransactionEnvelope

from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.horizon import horizon_blueprint
from offerhub.sandbox.trustless_work.blueprint import trustless_work_blueprint
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.trustless_work.wire import dump
from tests.sandbox.chain_world import UNIT, holdings, make_chain, wallet

API_KEY = "k_test.secret"


@dataclass
class Desk:
    """People, a client with the API key, and shortcuts for one escrow."""

    chain: Chain
    engine: TrustlessWork
    buyer: Keypair
    seller: Keypair
    platform: Keypair
    release: Keypair
    resolver: Keypair
    app: Flask
    stranger: Keypair
    contract: str = ""
    hashes: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        more.setdefault("headers", {"x-api-key": API_KEY})
        if body is not None:
            more |= {"data": dump(body), "content_type": "application/json"}
        response = self.app.test_client().open(f"/trustless-work{path}", method=method, **more)
        return response.status_code, json.loads(response.get_data(), parse_float=Decimal)

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        return self.call("POST", path, body)

    def sign(self, unsigned: str, key: Keypair) -> TransactionEnvelope:
        envelope = TransactionEnvelope.from_xdr(unsigned, self.chain.passphrase)
        envelope.sign(key)
        self.hashes.append(envelope.hash_hex())
        return envelope

    def send(self, envelope: TransactionEnvelope) -> tuple[int, Any]:
        return self.post("/helper/send-transaction", signedXdr=envelope.to_xdr())

    def do(self, path: str, key: Keypair, *, method: str = "POST", **body: Any) -> dict[str, Any]:
        """Build, sign, send; both steps must succeed."""
        status, built = self.call(method, path, body)
        assert status in (200, 201), built
        status, sent = self.send(self.sign(built["unsignedTransaction"], key))
        assert (status, sent["status"]) == (200, "SUCCESS"), sent
        return sent

    def definition(
        self, *, amount: Decimal | float = 120, fee: float = 5, **more: Any
    ) -> dict[str, Any]:
        return {
            "signer": self.platform.public_key,
            "engagementId": "ord_V1StGXR8_Z5jdHi6B-myT",
            "title": "Order 1042",
            "description": "Logo design",
            "roles": {
                "approver": self.buyer.public_key,
                "serviceProvider": self.seller.public_key,
                "platformAddress": self.platform.public_key,
                "releaseSigner": self.release.public_key,
                "disputeResolver": self.resolver.public_key,
                "receiver": self.seller.public_key,
            },
            "amount": amount,
            "platformFee": fee,
            "milestones": [{"description": "Delivery"}],
            "trustline": {"address": self.chain.issuer_address, "symbol": "USDC"},
            **more,
        }

    def multi_definition(self, amounts: list[Decimal | float]) -> dict[str, Any]:
        definition = self.definition()
        del definition["amount"], definition["roles"]["receiver"]
        definition["milestones"] = [
            {"description": f"part {i}", "amount": a, "receiver": self.seller.public_key}
            for i, a in enumerate(amounts)
        ]
        return definition

    def deploy(self, **more: Any) -> str:
        sent = self.do("/deployer/single-release", self.platform, **self.definition(**more))
        self.contract = sent["contractId"]
        return self.contract

    def fund(self, amount: Decimal | float, kind: str = "single-release") -> None:
        self.do(
            f"/escrow/{kind}/fund-escrow",
            self.buyer,
            contractId=self.contract,
            signer=self.buyer.public_key,
            amount=amount,
        )

    def approve(self, index: str = "0", kind: str = "single-release") -> None:
        self.do(
            f"/escrow/{kind}/approve-milestone",
            self.buyer,
            contractId=self.contract,
            milestoneIndex=index,
            approver=self.buyer.public_key,
        )

    def dispute(self) -> None:
        self.do(
            "/escrow/single-release/dispute-escrow",
            self.buyer,
            contractId=self.contract,
            signer=self.buyer.public_key,
        )

    def shares(self, to_seller: Decimal | float, to_buyer: Decimal | float) -> list[dict[str, Any]]:
        pairs = [(self.seller, to_seller), (self.buyer, to_buyer)]
        return [{"address": k.public_key, "amount": a} for k, a in pairs if a]

    def money(self) -> dict[str, int]:
        """USDC in stroops of everyone an escrow pays or takes from."""
        people = {
            "buyer": self.buyer.public_key,
            "seller": self.seller.public_key,
            "platform": self.platform.public_key,
            "protocol": self.chain.fee_account_address,
        }
        if self.contract:
            people["contract"] = self.contract
        return {name: holdings(self.chain, address) for name, address in people.items()}


def make_desk(chain: Chain | None = None, **blueprint: Any) -> Desk:
    """A desk whose buyer has 1 000 USDC; no rate limit unless asked for."""
    chain = chain or make_chain()
    engine = TrustlessWork(chain)
    app = Flask("trustless-work-test")
    blueprint.setdefault("rate_limit", None)
    blueprint.setdefault("send_timeout_s", 0.2)
    app.register_blueprint(
        trustless_work_blueprint(chain, api_key=API_KEY, engine=engine, **blueprint)
    )
    app.register_blueprint(horizon_blueprint(chain, submit_timeout_s=0.2))
    return Desk(
        chain=chain,
        engine=engine,
        buyer=wallet(chain, usdc_stroops=1_000 * UNIT),
        seller=wallet(chain),
        platform=wallet(chain),
        release=wallet(chain),
        resolver=wallet(chain),
        app=app,
        stranger=wallet(chain),
    )

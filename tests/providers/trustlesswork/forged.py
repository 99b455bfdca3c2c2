"""Transactions as Trustless Work builds them, with a place to tamper at every joint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from stellar_sdk import (
    Account,
    Asset,
    Keypair,
    SorobanDataBuilder,
    StrKey,
    TransactionBuilder,
    scval,
    xdr,
)
from stellar_sdk.operation import Operation

from offerhub.ports.chain import SigningKey
from offerhub.ports.escrow import EscrowTerms, MilestoneTerms
from offerhub.sandbox.chain.invocation import Call, token_transfer
from offerhub.sandbox.trustless_work.contracts import FACTORIES, WASM_HASHES
from offerhub.sandbox.trustless_work.escrow import Escrow, Milestone

PASSPHRASE = "Test SDF Network ; September 2015"
ISSUER = "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"
TOKEN = Asset("USDC", ISSUER).contract_id(PASSPHRASE)
CONTRACT = StrKey.encode_contract(bytes(range(32)))
OTHER_CONTRACT = "CCW67TSZV3SSS2HXMBQ5JFGCKJNXKZM7UQUWUZPUTHXSTZLEO7SJMI75"
Credentials = xdr.SorobanCredentialsType
Authorized = xdr.SorobanAuthorizedFunctionType


def key(number: int) -> SigningKey:
    keypair = Keypair.from_raw_ed25519_seed(bytes([number] * 32))
    return SigningKey(address=keypair.public_key, seed=keypair.secret)


BUYER, SELLER, PLATFORM, RELEASE, RESOLVER, THIEF = (key(number) for number in range(1, 7))
SINGLE = EscrowTerms(
    order_id="ord_V1StGXR8",
    multi_release=False,
    title="Order 1042",
    description="Logo design ✓",
    buyer=BUYER.address,
    seller=SELLER.address,
    platform=PLATFORM.address,
    release_signer=RELEASE.address,
    dispute_resolver=RESOLVER.address,
    amount_stroops=120_0000000,
    platform_fee_bps=250,
    milestones=(MilestoneTerms("Delivery", 120_0000000),),
)
MULTI = replace(
    SINGLE,
    multi_release=True,
    milestones=(MilestoneTerms("Sketch", 20_0000000), MilestoneTerms("Logo", 100_0000000)),
)


def stored(terms: EscrowTerms, **changes: Any) -> Escrow:
    """The structure of `terms`, as the contract keeps it."""
    roles = {
        "approver": terms.buyer,
        "service_provider": terms.seller,
        "platform_address": terms.platform,
        "release_signer": terms.release_signer,
        "dispute_resolver": terms.dispute_resolver,
    }
    if not terms.multi_release:
        roles["receiver"] = terms.seller
    fields: dict[str, Any] = {
        "kind": "multi-release" if terms.multi_release else "single-release",
        "engagement_id": terms.order_id,
        "title": terms.title,
        "description": terms.description,
        "roles": roles,
        "platform_fee": terms.platform_fee_bps,
        "milestones": [
            Milestone(one.description, amount=one.amount_stroops, receiver=terms.seller)
            for one in terms.milestones
        ],
        "trustline": TOKEN,
        "amount": 0 if terms.multi_release else terms.amount_stroops,
    }
    return Escrow(**{**fields, **changes})


def deploy_call(terms: EscrowTerms, *, struct: xdr.SCVal | None = None, **changes: Any) -> Call:
    """A factory's `deploy`, which creates the contract in the deployer's name."""
    kind = "multi-release" if terms.multi_release else "single-release"
    definition = stored(terms).to_scval() if struct is None else struct
    args = [
        scval.to_address(PLATFORM.address),
        scval.to_bytes(WASM_HASHES[kind]),
        scval.to_bytes(bytes(32)),
        scval.to_symbol("initialize_escrow"),
        scval.to_vec([definition]),
        scval.to_vec([]),
    ]
    for position, value in changes.items():
        args[int(position.removeprefix("arg"))] = value
    return Call(FACTORIES[kind], "deploy", args)


def fund_call(terms: EscrowTerms = SINGLE, *, amount: int | None = None) -> Call:
    """`fund_escrow`, with the token transfer that it makes for the signer."""
    moved = terms.amount_stroops if amount is None else amount
    args = [
        scval.to_address(BUYER.address),
        stored(terms).to_scval(),
        scval.to_int128(moved),
    ]
    transfer = token_transfer(TOKEN, sender=BUYER.address, to=CONTRACT, amount_stroops=moved)
    return Call(CONTRACT, "fund_escrow", args, inner=[transfer])


@dataclass
class Unsigned:
    """Everything in a transaction that an attacker could choose."""

    call: Call
    source: str = BUYER.address
    fee: int = 100_000
    operation_source: str | None = None
    authorized: Call | None = None
    credentials: xdr.SorobanCredentials | None = None
    more_authorizations: Sequence[Call] = ()
    more_operations: Sequence[Operation] = ()
    max_time_s: int | None = 1_768_046_640
    min_sequence: int | None = None

    def to_xdr(self) -> str:
        builder = TransactionBuilder(Account(self.source, 7), PASSPHRASE, base_fee=self.fee)
        if self.max_time_s is not None:
            builder.add_time_bounds(0, self.max_time_s)
        if self.min_sequence is not None:
            builder.set_min_sequence_number(self.min_sequence)
        entries = [self._entry(self.authorized or self.call, self.credentials)]
        entries += [self._entry(one, None) for one in self.more_authorizations]
        builder.append_invoke_contract_function_op(
            self.call.contract,
            self.call.function,
            list(self.call.args),
            auth=entries,
            source=self.operation_source,
        )
        for operation in self.more_operations:
            builder.append_operation(operation)
        builder.set_soroban_data(SorobanDataBuilder().set_resource_fee(0).build())
        envelope = builder.build()
        envelope.transaction.fee = self.fee
        return envelope.to_xdr()

    def _entry(
        self, call: Call, credentials: xdr.SorobanCredentials | None
    ) -> xdr.SorobanAuthorizationEntry:
        own = xdr.SorobanCredentials(Credentials.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT)
        return xdr.SorobanAuthorizationEntry(credentials or own, call.authorized_xdr())


def somebody_elses_credentials(address: str) -> xdr.SorobanCredentials:
    """An authorisation by another address, with a signature of its own."""
    return xdr.SorobanCredentials(
        Credentials.SOROBAN_CREDENTIALS_ADDRESS,
        address=xdr.SorobanAddressCredentials(
            address=scval.to_address(address).address,
            nonce=xdr.Int64(1),
            signature_expiration_ledger=xdr.Uint32(1),
            signature=scval.to_void(),
        ),
    )

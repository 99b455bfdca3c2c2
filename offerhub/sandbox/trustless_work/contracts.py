"""The code behind the factory's and the escrows' addresses: arguments in, rules, storage.

Runs inside a closing ledger (or a simulation that is rolled back). Argument orders are those of
the contract's public functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stellar_sdk import Address, Network, StrKey, scval, xdr

from offerhub.sandbox.chain.contract_calls import (
    Contract,
    ContractArchived,
    ContractEnv,
    ContractFailure,
)
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.chain.state import State
from offerhub.sandbox.trustless_work import multi, rules, single
from offerhub.sandbox.trustless_work.errors import Kind, refusal
from offerhub.sandbox.trustless_work.escrow import Escrow, escrow_from_scval
from offerhub.sandbox.trustless_work.rules import Custody
from offerhub.sandbox.trustless_work.storage import EscrowStorage

KINDS: tuple[Kind, ...] = ("single-release", "multi-release")
WASM_HASHES = {
    kind: hashlib.sha256(f"sandbox escrow code {kind}".encode()).digest() for kind in KINDS
}
FACTORIES = {
    kind: StrKey.encode_contract(hashlib.sha256(f"sandbox escrow factory {kind}".encode()).digest())
    for kind in KINDS
}
"""Contract addresses of the two factories; the same in every sandbox."""

Args = Sequence[xdr.SCVal]


@dataclass(frozen=True)
class Settings:
    """What all escrows share: the token, where the protocol's fee goes, and a way to its rate."""

    token: str
    protocol_account: str
    protocol_bps: Callable[[], int]


def register_contracts(chain: Chain, storage: EscrowStorage, settings: Settings) -> None:
    """Let the chain find factories and escrows by their address."""

    def resolve(state: State, address: str) -> Contract | None:
        for kind, factory in FACTORIES.items():
            if address == factory:
                return FactoryContract(kind, storage, chain.passphrase)
        if storage.contract(address) is not None:
            return EscrowContract(address, storage, settings)
        return None

    chain.contracts.register(resolve)


@dataclass(frozen=True)
class FactoryContract:
    """`deploy(deployer, wasm_hash, salt, init_fn, init_args, constructor_args)`."""

    kind: Kind
    storage: EscrowStorage
    passphrase: str

    def call(self, env: ContractEnv, function: str, args: Args) -> xdr.SCVal:
        if function != "deploy":
            raise _no_function(function)
        deployer, wasm_hash, salt, init_fn, init_args, constructor_args = _exactly(args, 6)
        signer = _address(deployer)
        env.require_auth(signer)
        if scval.from_bytes(wasm_hash) != WASM_HASHES[self.kind]:
            raise ContractFailure("HostError: Error(Storage, MissingValue): no such wasm")
        if scval.from_symbol(init_fn) != "initialize_escrow" or scval.from_vec(constructor_args):
            raise ContractFailure("HostError: Error(WasmVm, MissingValue)")
        (definition,) = _exactly(scval.from_vec(init_args), 1)
        escrow = escrow_from_scval(self.kind, definition)
        address = self._address_of(signer, scval.from_bytes(salt))
        if self.storage.contract(address) is not None:
            raise refusal(self.kind, "EscrowAlreadyInitialized")
        rules.check_definition(escrow)
        now_ms = env.state.closed_at_ms
        self.storage.insert(address, escrow, deployer=signer, now_ms=now_ms)
        self.storage.note_call(env.transaction_hash, address, function)
        return scval.to_vec([scval.to_address(address), scval.to_void()])

    def _address_of(self, deployer: str, salt: bytes) -> str:
        """As the network computes it: from the deployer and the salt."""
        source = xdr.ContractIDPreimage(
            xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
            from_address=xdr.ContractIDPreimageFromAddress(
                Address(deployer).to_xdr_sc_address(), xdr.Uint256(salt)
            ),
        )
        network = xdr.Hash(Network(self.passphrase).network_id())
        whole = xdr.HashIDPreimage(
            xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
            contract_id=xdr.HashIDPreimageContractID(network, source),
        )
        return StrKey.encode_contract(hashlib.sha256(whole.to_xdr_bytes()).digest())


@dataclass(frozen=True)
class EscrowContract:
    """One deployed escrow."""

    address: str
    storage: EscrowStorage
    settings: Settings

    def call(self, env: ContractEnv, function: str, args: Args) -> xdr.SCVal:
        stored = self.storage.contract(self.address)
        assert stored is not None
        if stored.archived:
            raise ContractArchived(self.address)
        escrow = stored.escrow
        if function == "get_escrow":
            return escrow.to_scval()
        handlers = _SHARED | (_SINGLE if escrow.is_single else _MULTI)
        if function not in handlers:
            raise _no_function(function)
        custody = Custody(
            env,
            self.address,
            self.settings.token,
            self.settings.protocol_account,
            self.settings.protocol_bps(),
        )
        changed = handlers[function](escrow, custody, args) or escrow
        self.storage.update(self.address, changed, now_ms=env.state.closed_at_ms)
        self.storage.note_call(env.transaction_hash, self.address, function)
        return scval.to_void()


def _fund(escrow: Escrow, custody: Custody, args: Args) -> None:
    signer, expected, amount = _exactly(args, 3)
    custody.env.require_auth(_address(signer))
    rules.fund(
        escrow,
        custody,
        signer=_address(signer),
        expected=escrow_from_scval(escrow.kind, expected),
        amount=scval.from_int128(amount),
    )


def _change_status(escrow: Escrow, custody: Custody, args: Args) -> None:
    index, status, evidence, provider = _exactly(args, 4)
    custody.env.require_auth(_address(provider))
    missing = evidence.type == xdr.SCValType.SCV_VOID
    rules.change_status(
        escrow,
        index=scval.from_int128(index),
        status=scval.from_string(status).decode(),
        evidence=None if missing else scval.from_string(evidence).decode(),
        service_provider=_address(provider),
    )


def _approve(escrow: Escrow, custody: Custody, args: Args) -> None:
    index, approver = _exactly(args, 2)
    custody.env.require_auth(_address(approver))
    rules.approve(escrow, index=scval.from_int128(index), approver=_address(approver))


def _update(escrow: Escrow, custody: Custody, args: Args) -> Escrow:
    platform, proposed = _exactly(args, 2)
    custody.env.require_auth(_address(platform))
    definition = escrow_from_scval(escrow.kind, proposed)
    return rules.update(escrow, custody, platform=_address(platform), proposed=definition)


def _extend_ttl(escrow: Escrow, custody: Custody, args: Args) -> None:
    platform, ledgers = _exactly(args, 2)
    custody.env.require_auth(_address(platform))
    scval.from_uint32(ledgers)
    if _address(platform) != escrow.roles["platform_address"]:
        raise refusal(escrow.kind, "OnlyPlatformAddressExecuteThisFunction")


def _release_single(escrow: Escrow, custody: Custody, args: Args) -> None:
    (signer,) = _exactly(args, 1)
    custody.env.require_auth(_address(signer))
    single.release(escrow, custody, release_signer=_address(signer))


def _dispute_single(escrow: Escrow, custody: Custody, args: Args) -> None:
    (signer,) = _exactly(args, 1)
    custody.env.require_auth(_address(signer))
    single.dispute(escrow, signer=_address(signer))


def _resolve_single(escrow: Escrow, custody: Custody, args: Args) -> None:
    resolver, shares = _exactly(args, 2)
    custody.env.require_auth(_address(resolver))
    single.resolve(escrow, custody, dispute_resolver=_address(resolver), shares=_shares(shares))


def _release_multi(escrow: Escrow, custody: Custody, args: Args) -> None:
    signer, index = _exactly(args, 2)
    custody.env.require_auth(_address(signer))
    multi.release(escrow, custody, release_signer=_address(signer), index=scval.from_uint32(index))


def _dispute_multi(escrow: Escrow, custody: Custody, args: Args) -> None:
    index, signer = _exactly(args, 2)
    custody.env.require_auth(_address(signer))
    multi.dispute(escrow, index=scval.from_int128(index), signer=_address(signer))


def _resolve_multi(escrow: Escrow, custody: Custody, args: Args) -> None:
    resolver, index, shares = _exactly(args, 3)
    custody.env.require_auth(_address(resolver))
    multi.resolve(
        escrow,
        custody,
        dispute_resolver=_address(resolver),
        index=scval.from_uint32(index),
        shares=_shares(shares),
    )


def _withdraw_multi(escrow: Escrow, custody: Custody, args: Args) -> None:
    resolver, shares = _exactly(args, 2)
    custody.env.require_auth(_address(resolver))
    multi.withdraw_remaining(
        escrow, custody, dispute_resolver=_address(resolver), shares=_shares(shares)
    )


Handler = Callable[[Escrow, Custody, Args], Escrow | None]
_SHARED: dict[str, Handler] = {
    "fund_escrow": _fund,
    "change_milestone_status": _change_status,
    "approve_milestone": _approve,
    "update_escrow": _update,
    "extend_contract_ttl": _extend_ttl,
}
_SINGLE: dict[str, Handler] = {
    "release_funds": _release_single,
    "dispute_escrow": _dispute_single,
    "resolve_dispute": _resolve_single,
}
_MULTI: dict[str, Handler] = {
    "release_milestone_funds": _release_multi,
    "dispute_milestone": _dispute_multi,
    "resolve_milestone_dispute": _resolve_multi,
    "withdraw_remaining_funds": _withdraw_multi,
}


def _exactly(args: Args, count: int) -> Args:
    if len(args) != count:
        raise ContractFailure("HostError: Error(WasmVm, UnexpectedSize): wrong argument count")
    return args


def _address(value: xdr.SCVal) -> str:
    return scval.from_address(value).address


def _shares(value: xdr.SCVal) -> dict[str, int]:
    return {_address(k): scval.from_int128(v) for k, v in scval.from_map(value).items()}


def _no_function(function: str) -> ContractFailure:
    return ContractFailure(f"HostError: Error(WasmVm, MissingValue): no function {function}")

"""The builder endpoints: each reads its body, names a contract call and returns it unsigned."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response
from stellar_sdk import scval, xdr

from offerhub.sandbox.chain.invocation import Call, token_transfer
from offerhub.sandbox.trustless_work.bodies import Body
from offerhub.sandbox.trustless_work.builders import build
from offerhub.sandbox.trustless_work.contracts import FACTORIES, KINDS, WASM_HASHES
from offerhub.sandbox.trustless_work.definitions import read_definition
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.trustless_work.errors import Kind
from offerhub.sandbox.trustless_work.escrow import Escrow
from offerhub.sandbox.trustless_work.wire import ApiError, answer, read_body

Planner = Callable[[Body, TrustlessWork], tuple[str, Call]]
"""From a body to (the address that signs, the call)."""


def add_write_routes(blueprint: Blueprint, engine: TrustlessWork) -> None:
    """Add every endpoint that answers with an unsigned transaction."""
    for kind in KINDS:
        _add(blueprint, engine, f"/deployer/{kind}", partial(_deploy, kind=kind))
        for name, planner in _SHARED.items():
            _add(blueprint, engine, f"/escrow/{kind}/{name}", planner)
        _add(
            blueprint,
            engine,
            f"/escrow/{kind}/update-escrow",
            partial(_update, kind=kind),
            method="PUT",
        )
    for name, planner in _SINGLE.items():
        _add(blueprint, engine, f"/escrow/single-release/{name}", planner)
    for name, planner in _MULTI.items():
        _add(blueprint, engine, f"/escrow/multi-release/{name}", planner)


def _add(
    blueprint: Blueprint,
    engine: TrustlessWork,
    path: str,
    planner: Planner,
    *,
    method: str = "POST",
) -> None:
    def view() -> Response:
        body = Body(read_body())
        signer, call = planner(body, engine)
        body.check()
        return answer(build(engine, call, signer=signer), 201 if method == "POST" else 200)

    endpoint = path.strip("/").replace("/", "_")
    blueprint.add_url_rule(path, endpoint, view, methods=[method])


def _deploy(body: Body, engine: TrustlessWork, *, kind: Kind) -> tuple[str, Call]:
    signer = body.account("signer")
    escrow = _definition(body, engine, kind)
    body.check()
    _require_trustlines(escrow, engine)
    args = [
        scval.to_address(signer),
        scval.to_bytes(WASM_HASHES[kind]),
        scval.to_bytes(secrets.token_bytes(32)),
        scval.to_symbol("initialize_escrow"),
        scval.to_vec([escrow.to_scval()]),
        scval.to_vec([]),
    ]
    return signer, Call(FACTORIES[kind], "deploy", args)


def _update(body: Body, engine: TrustlessWork, *, kind: Kind) -> tuple[str, Call]:
    signer, contract = body.account("signer"), body.contract()
    escrow = _definition(body.inside("escrow"), engine, kind)
    body.check()
    args = [scval.to_address(signer), escrow.to_scval()]
    return signer, Call(contract, "update_escrow", args)


def _definition(body: Body, engine: TrustlessWork, kind: Kind) -> Escrow:
    chain = engine.chain
    return read_definition(body, kind, issuer=chain.issuer_address, token=chain.usdc_contract)


def _require_trustlines(escrow: Escrow, engine: TrustlessWork) -> None:
    """Every role needs an account that can hold USDC before a contract names it."""
    state = engine.chain.ledgers.state()
    parties = dict(escrow.roles)
    parties |= {f"milestones.{i}.receiver": m.receiver for i, m in enumerate(escrow.milestones)}
    missing = [
        f"{role} {address} has no USDC trustline"
        for role, address in parties.items()
        if address and state.trustline(address, engine.chain.usdc) is None
    ]
    if missing:
        raise ApiError(400, missing)


def _fund(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, signer, amount = body.contract(), body.account("signer"), body.amount("amount")
    body.check()
    stored = engine.storage.contract(contract)
    # An unknown contract fails in the simulation, with any expected escrow.
    expected = stored.escrow.to_scval() if stored else scval.to_void()
    args = [scval.to_address(signer), expected, scval.to_int128(amount)]
    token = engine.chain.usdc_contract
    inner = token_transfer(token, sender=signer, to=contract, amount_stroops=amount)
    return signer, Call(contract, "fund_escrow", args, inner=[inner])


def _change_status(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, provider = body.contract(), body.account("serviceProvider")
    index, status = body.index(), body.text("newStatus", empty=True)
    given = body.has("newEvidence")
    evidence = scval.to_string(body.text("newEvidence", empty=True)) if given else scval.to_void()
    body.check()
    args = [
        scval.to_int128(index),
        scval.to_string(status),
        evidence,
        scval.to_address(provider),
    ]
    return provider, Call(contract, "change_milestone_status", args)


def _approve(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, index, approver = body.contract(), body.index(), body.account("approver")
    body.check()
    args = [scval.to_int128(index), scval.to_address(approver)]
    return approver, Call(contract, "approve_milestone", args)


def _release_single(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, signer = body.contract(), body.account("releaseSigner")
    body.check()
    return signer, Call(contract, "release_funds", [scval.to_address(signer)])


def _dispute_single(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, signer = body.contract(), body.account("signer")
    body.check()
    return signer, Call(contract, "dispute_escrow", [scval.to_address(signer)])


def _resolve_single(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, resolver = body.contract(), body.account("disputeResolver")
    shares = body.shares()
    body.check()
    args = [scval.to_address(resolver), _share_map(shares)]
    return resolver, Call(contract, "resolve_dispute", args)


def _release_multi(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, signer, index = body.contract(), body.account("releaseSigner"), body.index()
    body.check()
    args = [scval.to_address(signer), scval.to_uint32(index)]
    return signer, Call(contract, "release_milestone_funds", args)


def _dispute_multi(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, signer, index = body.contract(), body.account("signer"), body.index()
    body.check()
    args = [scval.to_int128(index), scval.to_address(signer)]
    return signer, Call(contract, "dispute_milestone", args)


def _resolve_multi(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, resolver, index = body.contract(), body.account("disputeResolver"), body.index()
    shares = body.shares()
    body.check()
    args = [scval.to_address(resolver), scval.to_uint32(index), _share_map(shares)]
    return resolver, Call(contract, "resolve_milestone_dispute", args)


def _withdraw(body: Body, engine: TrustlessWork) -> tuple[str, Call]:
    contract, resolver = body.contract(), body.account("disputeResolver")
    shares = body.shares()
    body.check()
    args = [scval.to_address(resolver), _share_map(shares)]
    return resolver, Call(contract, "withdraw_remaining_funds", args)


def _share_map(shares: dict[str, int]) -> xdr.SCVal:
    return scval.to_map({scval.to_address(a): scval.to_int128(n) for a, n in shares.items()})


_SHARED: dict[str, Planner] = {
    "fund-escrow": _fund,
    "change-milestone-status": _change_status,
    "approve-milestone": _approve,
}
_SINGLE: dict[str, Planner] = {
    "release-funds": _release_single,
    "dispute-escrow": _dispute_single,
    "resolve-dispute": _resolve_single,
}
_MULTI: dict[str, Planner] = {
    "release-milestone-funds": _release_multi,
    "dispute-milestone": _dispute_multi,
    "resolve-milestone-dispute": _resolve_multi,
    "withdraw-remaining-funds": _withdraw,
}

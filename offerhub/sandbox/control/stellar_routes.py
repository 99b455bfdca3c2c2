"""Control of the sandbox chain: accounts, deposits from outside, and its misbehaviour."""

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response
from stellar_sdk import StrKey

from offerhub.sandbox.chain.amounts import MAX_AMOUNT_STROOPS
from offerhub.sandbox.chain.faults import KNOBS
from offerhub.sandbox.chain.network import Chain
from offerhub.sandbox.control.reading import ControlError, read, read_any, reply, text

STROOPS_PER_UNIT = 10_000_000


def add_stellar_routes(blueprint: Blueprint, chain: Chain) -> None:
    _people_routes(blueprint, chain)
    _network_routes(blueprint, chain)


def _people_routes(blueprint: Blueprint, chain: Chain) -> None:
    @blueprint.post("/stellar/friendbot")
    def friendbot() -> Response:
        address = _account(read(address=...)["address"], name="address")
        return reply({"hash": chain.friendbot(address)["hash"]}, status=201)

    @blueprint.post("/stellar/outside-account")
    def outside_account() -> Response:
        read()
        return reply({"address": chain.outside_account()}, status=201)

    @blueprint.post("/stellar/deposit")
    def deposit() -> Response:
        body = read(to=..., amount=..., memo=None, asset_issuer=None, from_address=None)
        issuer = body["asset_issuer"]
        sent = chain.mint_usdc(
            to=_holder(body["to"], name="to"),
            amount_stroops=_units(body["amount"], name="amount"),
            memo=None if body["memo"] is None else text(body["memo"], name="memo"),
            asset_issuer=None if issuer is None else _account(issuer, name="asset_issuer"),
            from_address=_sender(body["from_address"], foreign=issuer is not None),
        )
        operation_ids = [str(operation_id) for operation_id in sent.operation_ids]
        return reply(
            {"hash": sent.hash, "ledger": sent.ledger, "operation_ids": operation_ids}, status=201
        )

    @blueprint.post("/stellar/xlm")
    def xlm() -> Response:
        body = read(to=..., amount=...)
        sent = chain.send_xlm(
            _account(body["to"], name="to"), _units(body["amount"], name="amount")
        )
        return reply({"hash": sent.hash, "ledger": sent.ledger}, status=201)

    @blueprint.post("/stellar/dust")
    def dust() -> Response:
        body = read(contract=..., amount="0.0000001")
        sent = chain.donate_dust(
            _holder(body["contract"], name="contract"), _units(body["amount"], name="amount")
        )
        return reply({"hash": sent.hash, "ledger": sent.ledger}, status=201)

    @blueprint.post("/stellar/clawback")
    def clawback() -> Response:
        body = read(holder=..., amount=...)
        sent = chain.claw_back_usdc(
            _holder(body["holder"], name="holder"), _units(body["amount"], name="amount")
        )
        return reply({"hash": sent.hash, "ledger": sent.ledger}, status=201)

    @blueprint.post("/stellar/memo-required")
    def memo_required() -> Response:
        body = read(address=..., required=True)
        value = b"1" if body["required"] is True else None
        chain.set_data(_account(body["address"], name="address"), "config.memo_required", value)
        return reply({"address": body["address"], "required": value is not None})

    @blueprint.post("/stellar/freeze")
    def freeze() -> Response:
        body = read(address=..., frozen=True)
        frozen = body["frozen"] is True
        chain.freeze_trustline(_account(body["address"], name="address"), frozen=frozen)
        return reply({"address": body["address"], "frozen": frozen})


def _network_routes(blueprint: Blueprint, chain: Chain) -> None:
    @blueprint.post("/stellar/close-ledger")
    def close_ledger() -> Response:
        read()
        return reply({"ledger": chain.close_ledger()})

    @blueprint.post("/stellar/prune-history")
    def prune_history() -> Response:
        up_to = read(up_to_ledger=...)["up_to_ledger"]
        if isinstance(up_to, bool) or not isinstance(up_to, int) or up_to < 0:
            raise ControlError("up_to_ledger must be a ledger sequence")
        chain.prune_history(up_to)
        return reply({"history_elder_ledger": up_to + 1})

    @blueprint.post("/stellar/reset")
    def reset() -> Response:
        read()
        chain.reset()
        return reply({"ledger": chain.ledgers.latest()[0]})

    @blueprint.get("/stellar/faults")
    def read_chain_faults() -> Response:
        return reply({"faults": chain.faults.as_dict(), "meaning": KNOBS})

    @blueprint.patch("/stellar/faults")
    def change_chain_faults() -> Response:
        changes = read_any()
        unknown = sorted(set(changes) - set(KNOBS))
        if unknown:
            raise ControlError(f"the chain has no knob {unknown[0]!r}")
        with chain.store.transaction():
            for name, value in changes.items():
                chain.faults.set(name, value)
        return reply({"faults": chain.faults.as_dict()})

    @blueprint.delete("/stellar/faults")
    def clear_chain_faults() -> Response:
        chain.faults.clear()
        return Response(status=204)


def _units(value: Any, *, name: str) -> int:
    """Stroops of decimal text with at most seven decimals. Raises: ControlError."""
    if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit():
        stroops = Decimal(value) * STROOPS_PER_UNIT
        if stroops == stroops.to_integral_value() and 0 < stroops <= MAX_AMOUNT_STROOPS:
            return int(stroops)
    raise ControlError(f'{name} must be positive decimal text such as "25.0000001"')


def _account(value: Any, *, name: str) -> str:
    address = text(value, name=name)
    if not StrKey.is_valid_ed25519_public_key(address):
        raise ControlError(f"{name} must be an account address (G...)")
    return address


def _holder(value: Any, *, name: str) -> str:
    address = text(value, name=name)
    if not (StrKey.is_valid_ed25519_public_key(address) or StrKey.is_valid_contract(address)):
        raise ControlError(f"{name} must be an account (G...) or a contract (C...)")
    return address


def _sender(value: Any, *, foreign: bool) -> str | None:
    """The account a deposit comes from; None for the issuer itself, which never lacks USDC."""
    if value is None:
        return None
    if foreign:
        raise ControlError("from_address and asset_issuer exclude each other")
    return _account(value, name="from_address")

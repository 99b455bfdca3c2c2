"""The read endpoints: escrows by id, signer or role with filters, and live balances."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from stellar_sdk import StrKey

from offerhub.sandbox.chain.amounts import to_stroops
from offerhub.sandbox.trustless_work.definitions import ROLE_BY_API_NAME, show_escrow
from offerhub.sandbox.trustless_work.engine import TrustlessWork
from offerhub.sandbox.trustless_work.storage import Indexed
from offerhub.sandbox.trustless_work.wire import ApiError, answer, units

PAGE_SIZE = 20
MAX_BALANCE_ADDRESSES = 20
_SORT_KEYS: dict[str, Callable[[Indexed], int]] = {
    "createdAt": lambda item: item.created_at_ms,
    "updatedAt": lambda item: item.updated_at_ms,
    "amount": lambda item: _amount(item),
}


def add_read_routes(blueprint: Blueprint, engine: TrustlessWork) -> None:
    """Add the `/helper` reads, and the older paths of the balance read."""
    issuer = engine.chain.issuer_address

    def indexed(address: str) -> list[Indexed]:
        on_chain = request.args.get("validateOnChain") == "true"
        return engine.indexed(address, on_chain=on_chain)

    @blueprint.get("/helper/get-escrow-by-contract-ids")
    def by_contract_ids() -> Response:
        wanted = _listed("contractIds")
        found = [show_escrow(i, issuer=issuer) for address in wanted for i in indexed(address)]
        lone = len(wanted) == 1 and engine.chain.faults.get("single_escrow_as_object")
        return answer(found[0] if lone and found else found)

    @blueprint.get("/helper/get-escrows-by-signer")
    def by_signer() -> Response:
        signer = request.args.get("signer", "")
        items = [i for i in indexed(signer) if i.deployer == signer]
        return answer([show_escrow(i, issuer=issuer) for i in _filtered(items)])

    @blueprint.get("/helper/get-escrows-by-role")
    def by_role() -> Response:
        role, address = request.args.get("role", ""), request.args.get("roleAddress", "")
        if role != "signer" and role not in ROLE_BY_API_NAME:
            raise ApiError(400, f"role must be one of signer, {', '.join(ROLE_BY_API_NAME)}")
        items = [i for i in indexed(address) if _plays(i, role, address)]
        return answer([show_escrow(i, issuer=issuer) for i in _filtered(items)])

    def balances() -> Response:
        wanted = _listed("addresses")
        if len(wanted) > MAX_BALANCE_ADDRESSES:
            raise ApiError(400, "Error(Contract, #25): TooManyEscrowsRequested")
        return answer([{"address": a, "balance": units(engine.balance(a))} for a in wanted])

    for path in (
        "/helper/get-multiple-escrow-balance",
        "/escrow/get-multiple-escrow-balance",
        "/escrow/single-release/get-multiple-escrow-balance",
        "/escrow/multi-release/get-multiple-escrow-balance",
    ):
        blueprint.add_url_rule(path, path.strip("/").replace("/", "_"), balances)


def _listed(name: str) -> list[str]:
    """A repeated query parameter, with or without brackets; contract addresses only."""
    values = list(dict.fromkeys(request.args.getlist(f"{name}[]") + request.args.getlist(name)))
    if not values:
        raise ApiError(400, [f"{name} should not be empty"])
    wrong = [value for value in values if not StrKey.is_valid_contract(value)]
    if wrong:
        raise ApiError(400, [f"{name} must contain valid contract ids, not {w}" for w in wrong])
    return values


def _plays(item: Indexed, role: str, address: str) -> bool:
    if role == "signer":
        return item.deployer == address
    if role == "receiver" and not item.escrow.is_single:
        return any(m.receiver == address for m in item.escrow.milestones)
    return item.escrow.roles.get(ROLE_BY_API_NAME[role]) == address


def _filtered(items: list[Indexed]) -> list[Indexed]:
    """Apply the query's filters, order and page. Raises ApiError 400."""
    args = request.args
    exact: dict[str, Callable[[Indexed], str]] = {
        "engagementId": lambda i: i.escrow.engagement_id,
        "title": lambda i: i.escrow.title,
        "type": lambda i: i.escrow.kind,
        "status": _status,
    }
    for name, read in exact.items():
        if args.get(name):
            items = [i for i in items if read(i) == args[name]]
    try:
        if args.get("minAmount"):
            items = [i for i in items if _amount(i) >= to_stroops(args["minAmount"])]
        if args.get("maxAmount"):
            items = [i for i in items if _amount(i) <= to_stroops(args["maxAmount"])]
        if args.get("startDate"):
            items = [i for i in items if i.created_at_ms >= _date_ms(args["startDate"])]
        if args.get("endDate"):
            items = [i for i in items if i.created_at_ms <= _date_ms(args["endDate"])]
        page = max(1, int(args.get("page") or 1))
    except ValueError as problem:
        raise ApiError(400, str(problem)) from problem
    if args.get("isActive") == "false":
        items = []
    order_by = args.get("orderBy") or "createdAt"
    if order_by not in _SORT_KEYS:
        raise ApiError(400, f"orderBy must be one of {', '.join(_SORT_KEYS)}")
    descending = (args.get("orderDirection") or "desc") == "desc"
    items = sorted(items, key=_SORT_KEYS[order_by], reverse=descending)
    return items[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def _amount(item: Indexed) -> int:
    escrow = item.escrow
    return escrow.amount if escrow.is_single else sum(m.amount for m in escrow.milestones)


def _status(item: Indexed) -> str:
    """The index's one word for an escrow; released beats resolved beats disputed."""
    escrow = item.escrow
    parts = [escrow] if escrow.is_single else escrow.milestones
    if all(p.released for p in parts):
        return "released"
    if all(p.resolved or p.released for p in parts):
        return "resolved"
    if any(p.disputed for p in parts):
        return "inDispute"
    return "pendingRelease" if all(m.approved for m in escrow.milestones) else "working"


def _date_ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)

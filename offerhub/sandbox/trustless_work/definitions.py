"""Escrow definitions: from the API's body to the contract's struct, and to the API's answer."""

from __future__ import annotations

from typing import Any

from offerhub.sandbox.trustless_work.bodies import MAX_DESCRIPTION, MAX_TITLE, Body
from offerhub.sandbox.trustless_work.errors import Kind
from offerhub.sandbox.trustless_work.escrow import (
    MULTI_ROLES,
    SINGLE_ROLES,
    Escrow,
    Milestone,
)
from offerhub.sandbox.trustless_work.storage import Indexed
from offerhub.sandbox.trustless_work.wire import units

_API_ROLES = {
    "approver": "approver",
    "service_provider": "serviceProvider",
    "platform_address": "platformAddress",
    "release_signer": "releaseSigner",
    "dispute_resolver": "disputeResolver",
    "receiver": "receiver",
}
ROLE_BY_API_NAME = {api: role for role, api in _API_ROLES.items()}


def read_definition(body: Body, kind: Kind, *, issuer: str, token: str) -> Escrow:
    """The escrow that a deploy or update body describes; complaints go into `body`."""
    roles = body.inside("roles")
    trustline = body.inside("trustline")
    if trustline.account("address") not in ("", issuer):
        trustline.complain("address", "must be the USDC issuer of this network")
    if trustline.text("symbol") != "USDC":
        trustline.complain("symbol", "must be USDC")
    names = SINGLE_ROLES if kind == "single-release" else MULTI_ROLES
    return Escrow(
        kind=kind,
        engagement_id=body.text("engagementId"),
        title=body.text("title", most=MAX_TITLE),
        description=body.text("description", most=MAX_DESCRIPTION),
        roles={name: roles.account(_API_ROLES[name]) for name in names},
        platform_fee=body.percent_bps("platformFee"),
        milestones=[_read_milestone(one, kind) for one in body.each("milestones")],
        trustline=token,
        amount=body.amount("amount") if kind == "single-release" else 0,
    )


def _read_milestone(body: Body, kind: Kind) -> Milestone:
    milestone = Milestone(description=body.text("description", most=MAX_DESCRIPTION))
    if body.has("status"):
        milestone.status = body.text("status", empty=True)
    if body.has("evidence"):
        milestone.evidence = body.text("evidence", empty=True)
    if kind == "multi-release":
        milestone.amount = body.amount("amount")
        milestone.receiver = body.account("receiver")
    return milestone


def show_escrow(item: Indexed, *, issuer: str) -> dict[str, Any]:
    """The item of every read, and the `escrow` of a deploy's or update's answer."""
    escrow = item.escrow
    shown: dict[str, Any] = {
        "contractId": item.contract,
        "signer": item.deployer,
        "user": item.deployer,
        "type": escrow.kind,
        "engagementId": escrow.engagement_id,
        "title": escrow.title,
        "description": escrow.description,
        "roles": {_API_ROLES[name]: address for name, address in escrow.roles.items()},
        "platformFee": units(escrow.platform_fee * 100_000),
        "balance": units(item.balance),
        "isActive": True,
        "milestones": [_show_milestone(escrow, i) for i in range(len(escrow.milestones))],
        "trustline": {"address": issuer, "symbol": "USDC", "name": "USDC"},
        "receiverMemo": escrow.receiver_memo,
        "disputeStartedBy": escrow.notes.get("dispute_started_by"),
        "fundedBy": escrow.notes.get("funded_by"),
        "approverFunds": None,
        "receiverFunds": None,
        "createdAt": _moment(item.created_at_ms),
        "updatedAt": _moment(item.updated_at_ms),
    }
    if escrow.is_single:
        shown["amount"] = units(escrow.amount)
        shown["flags"] = {
            "disputed": escrow.disputed,
            "released": escrow.released,
            "resolved": escrow.resolved,
        }
    return shown


def _show_milestone(escrow: Escrow, index: int) -> dict[str, Any]:
    milestone = escrow.milestones[index]
    shown: dict[str, Any] = {
        "description": milestone.description,
        "status": milestone.status,
        "evidence": milestone.evidence,
    }
    if escrow.is_single:
        return {**shown, "approved": milestone.approved}
    shown["amount"] = units(milestone.amount)
    shown["receiver"] = milestone.receiver
    shown["flags"] = {
        "approved": milestone.approved,
        "disputed": milestone.disputed,
        "released": milestone.released,
        "resolved": milestone.resolved,
    }
    starter = escrow.notes.get("milestone_disputes", {}).get(str(index))
    return {**shown, "disputeStartedBy": starter} if starter else shown


def _moment(at_ms: int) -> dict[str, int]:
    return {"_seconds": at_ms // 1000, "_nanoseconds": at_ms % 1000 * 1_000_000}

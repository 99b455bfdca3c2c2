"""The escrow a contract stores: as an object, as JSON in the store, and as the contract's XDR.

Amounts are stroops; fee rates basis points. The XDR layout is that of the contract's Rust
structs: maps with symbol keys in ascending order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from stellar_sdk import scval, xdr

from offerhub.sandbox.trustless_work.errors import Kind

SINGLE_ROLES = (
    "approver",
    "dispute_resolver",
    "platform_address",
    "receiver",
    "release_signer",
    "service_provider",
)
MULTI_ROLES = tuple(role for role in SINGLE_ROLES if role != "receiver")


@dataclass
class Milestone:
    """`amount`, `receiver` and the last three flags are used by multi-release only."""

    description: str
    status: str = "pending"
    evidence: str = ""
    approved: bool = False
    amount: int = 0
    receiver: str = ""
    disputed: bool = False
    released: bool = False
    resolved: bool = False


@dataclass
class Escrow:
    """`amount` and the three flags are used by single-release only."""

    kind: Kind
    engagement_id: str
    title: str
    description: str
    roles: dict[str, str]
    platform_fee: int
    milestones: list[Milestone]
    trustline: str
    amount: int = 0
    receiver_memo: int = 0
    disputed: bool = False
    released: bool = False
    resolved: bool = False
    notes: dict[str, Any] = field(default_factory=dict)
    """What Trustless Work's index adds and the contract does not know, e.g. who funded."""

    @property
    def is_single(self) -> bool:
        return self.kind == "single-release"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Escrow:
        milestones = [Milestone(**one) for one in stored["milestones"]]
        return cls(**{**stored, "milestones": milestones})

    def to_scval(self) -> xdr.SCVal:
        """The struct that `initialize_escrow` takes and `fund_escrow` expects."""
        fields = {
            "description": scval.to_string(self.description),
            "engagement_id": scval.to_string(self.engagement_id),
            "milestones": scval.to_vec([self._milestone(m) for m in self.milestones]),
            "platform_fee": scval.to_uint32(self.platform_fee),
            "receiver_memo": scval.to_int128(self.receiver_memo),
            "roles": scval.to_struct({k: scval.to_address(v) for k, v in self.roles.items()}),
            "title": scval.to_string(self.title),
            "trustline": scval.to_struct({"address": scval.to_address(self.trustline)}),
        }
        if self.is_single:
            fields["amount"] = scval.to_int128(self.amount)
            fields["flags"] = _flags(
                disputed=self.disputed, released=self.released, resolved=self.resolved
            )
        return scval.to_struct(fields)

    def _milestone(self, milestone: Milestone) -> xdr.SCVal:
        fields = {
            "description": scval.to_string(milestone.description),
            "evidence": scval.to_string(milestone.evidence),
            "status": scval.to_string(milestone.status),
        }
        if self.is_single:
            fields["approved"] = scval.to_bool(milestone.approved)
        else:
            fields["amount"] = scval.to_int128(milestone.amount)
            fields["receiver"] = scval.to_address(milestone.receiver)
            fields["flags"] = _flags(
                approved=milestone.approved,
                disputed=milestone.disputed,
                released=milestone.released,
                resolved=milestone.resolved,
            )
        return scval.to_struct(fields)


def _flags(**flags: bool) -> xdr.SCVal:
    return scval.to_struct({name: scval.to_bool(value) for name, value in flags.items()})


def escrow_from_scval(kind: Kind, value: xdr.SCVal) -> Escrow:
    """Decode the contract's struct. Raises ValueError or KeyError when it is another one."""
    struct = scval.from_struct(value)
    roles = scval.from_struct(struct["roles"])
    escrow = Escrow(
        kind=kind,
        engagement_id=_text(struct["engagement_id"]),
        title=_text(struct["title"]),
        description=_text(struct["description"]),
        roles={
            name: scval.from_address(roles[name]).address
            for name in (SINGLE_ROLES if kind == "single-release" else MULTI_ROLES)
        },
        platform_fee=scval.from_uint32(struct["platform_fee"]),
        milestones=_milestones(kind, scval.from_vec(struct["milestones"])),
        trustline=scval.from_address(scval.from_struct(struct["trustline"])["address"]).address,
        receiver_memo=scval.from_int128(struct["receiver_memo"]),
    )
    if kind == "single-release":
        flags = _read_flags(struct["flags"])
        escrow.amount = scval.from_int128(struct["amount"])
        escrow.disputed, escrow.released = flags["disputed"], flags["released"]
        escrow.resolved = flags["resolved"]
    return escrow


def _milestones(kind: Kind, values: Sequence[xdr.SCVal]) -> list[Milestone]:
    milestones = []
    for value in values:
        struct = scval.from_struct(value)
        milestone = Milestone(
            description=_text(struct["description"]),
            status=_text(struct["status"]),
            evidence=_text(struct["evidence"]),
        )
        if kind == "single-release":
            milestone.approved = scval.from_bool(struct["approved"])
        else:
            flags = _read_flags(struct["flags"])
            milestone.amount = scval.from_int128(struct["amount"])
            milestone.receiver = scval.from_address(struct["receiver"]).address
            milestone.approved, milestone.disputed = flags["approved"], flags["disputed"]
            milestone.released, milestone.resolved = flags["released"], flags["resolved"]
        milestones.append(milestone)
    return milestones


def _read_flags(value: xdr.SCVal) -> dict[str, bool]:
    return {name: scval.from_bool(flag) for name, flag in scval.from_struct(value).items()}


def _text(value: xdr.SCVal) -> str:
    return scval.from_string(value).decode("utf-8", errors="replace")

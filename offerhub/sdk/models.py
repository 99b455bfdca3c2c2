"""The resources of the API as frozen records.

Amounts are `Money`: text with an exact `.decimal`. Fields named `*_exact` carry all seven
decimals of the chain, the others cents rounded down. Times are aware and in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from offerhub.sdk.money import Money
from offerhub.sdk.records import Record

Metadata = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AirtmLink(Record):
    airtm_user_id: str
    email: str | None = None
    verified: bool | None = None
    country: str | None = None
    linked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WalletSummary(Record):
    id: str
    address: str
    status: str


@dataclass(frozen=True, kw_only=True)
class User(Record):
    id: str
    external_user_id: str
    type: str
    status: str
    created_at: datetime
    updated_at: datetime
    email: str | None = None
    metadata: Metadata = field(default_factory=dict)
    airtm: AirtmLink | None = None
    wallet: WalletSummary | None = None


@dataclass(frozen=True, kw_only=True)
class Balance(Record):
    user_id: str
    currency: str
    available: Money
    available_exact: Money
    reserved: Money
    reserved_exact: Money
    withdrawing: Money
    withdrawing_exact: Money
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class LedgerLine(Record):
    """One line of a user's statement. `amount` is signed; `account` says which balance moved."""

    id: str
    transfer_id: str
    kind: str
    account: str
    amount: Money
    amount_exact: Money
    balance_after: Money
    balance_after_exact: Money
    created_at: datetime
    subject_type: str | None = None
    subject_id: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Topup(Record):
    """Money on its way in. `confirmation_url` appears once the user can confirm it."""

    id: str
    user_id: str
    amount: Money
    amount_exact: Money
    currency: str
    status: str
    created_at: datetime
    updated_at: datetime
    confirmation_url: str | None = None
    return_url: str | None = None
    cancel_url: str | None = None
    fee: Money | None = None
    fee_exact: Money | None = None
    net_amount: Money | None = None
    net_amount_exact: Money | None = None
    airtm_payin_id: str | None = None
    description: str | None = None
    metadata: Metadata = field(default_factory=dict)
    failure_reason: str | None = None
    late_success: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Operation(Record):
    """The work at a provider that an order or a withdrawal waits for.

    When others are before it, `waits_for` says in which queue and `expected_at` about when its
    turn comes: where one resource is read, and None in lists and events.
    """

    id: str
    kind: str
    status: str
    step: str | None = None
    last_error: str | None = None
    waits_for: str | None = None
    expected_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Escrow(Record):
    id: str
    kind: str
    status: str
    amount: Money
    amount_exact: Money
    created_at: datetime
    updated_at: datetime
    resolution: str | None = None
    platform_fee_bps: int | None = None
    trustless_contract_id: str | None = None
    deploy_tx_hash: str | None = None
    fund_tx_hash: str | None = None
    release_tx_hash: str | None = None
    buyer_address: str | None = None
    seller_address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Milestone(Record):
    id: str
    milestone_ref: str
    title: str
    amount: Money
    amount_exact: Money
    status: str
    position: int
    evidence_url: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class MilestoneWork(Milestone):
    """A milestone with the work that it waits for."""

    operation: Operation | None = None


@dataclass(frozen=True, kw_only=True)
class Comment(Record):
    author: str
    body: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Dispute(Record):
    """A dispute. `comments` are filled when one is read; amounts are gross, of its decision."""

    id: str
    order_id: str
    opened_by: str
    reason: str
    status: str
    created_at: datetime
    updated_at: datetime
    milestone_ref: str | None = None
    assignee: str | None = None
    evidence: tuple[str, ...] = ()
    note: str | None = None
    decision: str | None = None
    release_amount: Money | None = None
    release_amount_exact: Money | None = None
    refund_amount: Money | None = None
    refund_amount_exact: Money | None = None
    operation: Operation | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimelineEntry(Record):
    """One event of the order. `sequence` is None for the moment until it is on the stream."""

    event_type: str
    occurred_at: datetime
    event_id: str
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True)
class Order(Record):
    """An order. `timeline` is filled when one order is read, and empty in lists."""

    id: str
    buyer_id: str
    seller_id: str
    amount: Money
    amount_exact: Money
    currency: str
    title: str
    status: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    client_order_ref: str | None = None
    platform_fee_bps: int | None = None
    resolution: str | None = None
    metadata: Metadata = field(default_factory=dict)
    escrow: Escrow | None = None
    milestones: tuple[Milestone, ...] = ()
    dispute: Dispute | None = None
    operation: Operation | None = None
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Withdrawal(Record):
    id: str
    user_id: str
    amount: Money
    amount_exact: Money
    currency: str
    destination_type: str
    destination_ref: str
    status: str
    created_at: datetime
    updated_at: datetime
    fee: Money | None = None
    fee_exact: Money | None = None
    net_amount: Money | None = None
    net_amount_exact: Money | None = None
    destination_memo: str | None = None
    airtm_payout_id: str | None = None
    stellar_tx_hash: str | None = None
    failure_reason: str | None = None
    operation: Operation | None = None
    description: str | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event(Record):
    """One fact of the event stream; `sequence` is its gap-free position."""

    event_id: str
    event_type: str
    occurred_at: datetime
    aggregate_id: str
    aggregate_type: str
    sequence: int
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=dict)

"""Orders with their escrow, milestones, dispute and long work."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.fields import (
    NOT_BLANK,
    Amount,
    Choice,
    Currency,
    Formed,
    Id,
    Metadata,
    Moment,
    Text,
    Whole,
    shown_amount,
    shown_choice,
    shown_exact,
    shown_object,
    shown_or_null,
    shown_text,
    shown_time,
)
from offerhub.domain import disputes, escrows, ids
from offerhub.domain.fees import MAX_PLATFORM_FEE_BPS
from offerhub.domain.operations import OPERATION
from offerhub.domain.orders import MAX_MILESTONES, MILESTONE, ORDER, PARTIES, RESOLUTIONS

STATUSES = tuple(ORDER.table)


# A milestone is addressed by its ref: one that no path can carry could never be paid.
_NO_REF = (".", "..")
REF_PATTERN = f"^[^/]*{NOT_BLANK[:-1]}/][^/]*$"


class NewMilestone(Body):
    milestone_ref = Formed(
        REF_PATTERN,
        most=100,
        problem="It becomes part of an address: not blank, and no slash.",
        required=True,
        metadata={
            "example": "draft",
            "description": "Unique in its order; without a slash.",
            "not": {"enum": list(_NO_REF)},
        },
    )
    title = Text(most=100, required=True)
    amount = Amount(required=True)

    @validates("milestone_ref")
    def _fits_in_a_path(self, ref: str, **_: Any) -> None:
        if ref in _NO_REF:
            raise ValidationError("It becomes part of an address: not only dots.")


class CreateOrder(Body):
    buyer_id = Id(ids.USER, required=True)
    seller_id = Id(ids.USER, required=True)
    amount = Amount(required=True)
    title = Text(most=100, required=True)
    currency = Currency(allow_none=True)
    description = Text(most=500, allow_none=True)
    client_order_ref = Text(
        most=100, allow_none=True, metadata={"description": "Your own id; unique."}
    )
    milestones = fields.List(
        fields.Nested(NewMilestone),
        allow_none=True,
        validate=validate.Length(max=MAX_MILESTONES),
        metadata={"description": "Together the order's amount; each `milestone_ref` once."},
    )
    platform_fee_bps = Whole(least=0, most=MAX_PLATFORM_FEE_BPS, allow_none=True)
    metadata = Metadata(allow_none=True)


class Reserve(Body):
    amount = Amount(
        allow_none=True, metadata={"description": "If given, it must equal the order's amount."}
    )


class Reasoned(Body):
    reason = Text(most=500, allow_none=True)
    requested_by = Choice(*PARTIES, allow_none=True)


class Nothing(Body):
    """A request without fields."""


class OrderQuery(PageQuery):
    status = Choice(*STATUSES)
    buyer_id = Id(ids.USER)
    seller_id = Id(ids.USER)
    client_order_ref = Text(most=100)
    trustless_contract_id = Text(most=64)
    created_after = Moment()
    created_before = Moment()


class Escrow(Schema):
    id = shown_text()
    kind = shown_choice(escrows.KINDS)
    status = shown_choice(tuple(escrows.ESCROW.table))
    resolution = shown_choice(RESOLUTIONS, null=True)
    amount = shown_amount()
    amount_exact = shown_exact()
    platform_fee_bps = fields.Integer(required=True)
    trustless_contract_id = shown_or_null()
    deploy_tx_hash = shown_or_null()
    fund_tx_hash = shown_or_null()
    release_tx_hash = shown_or_null()
    buyer_address = shown_text()
    seller_address = shown_text()
    created_at = shown_time()
    updated_at = shown_time()


class Milestone(Schema):
    id = shown_text()
    milestone_ref = shown_text()
    title = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()
    status = shown_choice(tuple(MILESTONE.table))
    position = fields.Integer(required=True)
    evidence_url = shown_or_null(description="What the seller pointed at when it was done.")
    note = shown_or_null()


class Dispute(Schema):
    id = shown_text()
    order_id = shown_text()
    milestone_ref = shown_or_null()
    opened_by = shown_choice(("BUYER", "SELLER"))
    reason = shown_choice(disputes.REASONS)
    status = shown_choice(tuple(disputes.DISPUTE.table))
    assignee = shown_or_null()
    evidence = fields.List(shown_text(), required=True)
    note = shown_or_null()
    decision = shown_choice(disputes.DECISIONS, null=True)
    release_amount = shown_amount(null=True)
    release_amount_exact = shown_exact(null=True)
    refund_amount = shown_amount(null=True)
    refund_amount_exact = shown_exact(null=True)
    created_at = shown_time()
    updated_at = shown_time()


WAITS_FOR = (
    "Until about `expected_at`: PROVIDER_LIMIT, others call before it; SIGNER, others before it"
    " need the same wallet of the platform to sign."
)


class Operation(Schema):
    id = shown_text()
    kind = shown_text()
    status = shown_choice(tuple(OPERATION.table))
    step = shown_or_null()
    last_error = shown_or_null()
    waits_for = shown_or_null(description=WAITS_FOR + " Null in lists and events.")
    expected_at = shown_time(null=True)


class TimelineEntry(Schema):
    sequence = fields.Integer(required=True, allow_none=True)
    event_id = shown_text()
    event_type = shown_text()
    occurred_at = shown_time()


class Order(Schema):
    id = shown_text(example="ord_V1StGXR8_Z5jdHi6B-myT")
    buyer_id = shown_text()
    seller_id = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()
    currency = shown_choice(("USD",))
    title = shown_text()
    description = shown_or_null()
    client_order_ref = shown_or_null()
    platform_fee_bps = fields.Integer(required=True)
    status = shown_choice(STATUSES)
    resolution = shown_choice(RESOLUTIONS, null=True)
    metadata = shown_object()
    escrow = fields.Nested(Escrow, required=True, allow_none=True)
    milestones = fields.List(fields.Nested(Milestone), required=True)
    dispute = fields.Nested(Dispute, required=True, allow_none=True)
    operation = fields.Nested(Operation, required=True, allow_none=True)
    created_at = shown_time()
    updated_at = shown_time()


class OrderDetail(Order):
    timeline = fields.List(fields.Nested(TimelineEntry), required=True)

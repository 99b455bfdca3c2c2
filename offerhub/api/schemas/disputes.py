"""Disputes and milestones on the wire."""

from marshmallow import Schema, fields, validate

from offerhub.api.schemas import orders
from offerhub.api.schemas.addresses import WebAddress
from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.fields import (
    Amount,
    Choice,
    Id,
    Text,
    shown_text,
    shown_time,
)
from offerhub.domain import disputes, ids

MAX_EVIDENCE = 20


class OpenDispute(Body):
    opened_by = Choice("BUYER", "SELLER", required=True)
    reason = Choice(*disputes.REASONS, required=True)
    evidence = fields.List(
        WebAddress(), allow_none=True, validate=validate.Length(max=MAX_EVIDENCE)
    )
    note = Text(most=2000, allow_none=True)
    milestone_ref = Text(most=100, allow_none=True)


class DisputeQuery(PageQuery):
    status = Choice(*disputes.DISPUTE.table)
    order_id = Id(ids.ORDER)
    assignee = Text(most=100)


class Assign(Body):
    assignee = Text(most=100, required=True, metadata={"example": "support-7"})


class CommentOn(Body):
    body = Text(most=2000, required=True)


class Resolve(Body):
    decision = Choice(*disputes.DECISIONS, required=True)
    release_amount = Amount(
        allow_none=True, metadata={"description": "SPLIT only: to the seller, before fees."}
    )
    refund_amount = Amount(
        allow_none=True, metadata={"description": "SPLIT only: to the buyer, before fees."}
    )
    note = Text(most=2000, allow_none=True)


class Comment(Schema):
    author = shown_text()
    body = shown_text()
    created_at = shown_time()


class DisputeDetail(orders.Dispute):
    operation = fields.Nested(orders.Operation, required=True, allow_none=True)
    comments = fields.List(fields.Nested(Comment), required=True)


class CompleteMilestone(Body):
    evidence_url = WebAddress(allow_none=True)
    note = Text(most=2000, allow_none=True)


class MilestoneWork(orders.Milestone):
    operation = fields.Nested(orders.Operation, required=True, allow_none=True)


class MilestoneList(Schema):
    milestones = fields.List(fields.Nested(MilestoneWork), required=True)

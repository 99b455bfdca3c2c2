"""What operators see and ask for."""

from marshmallow import Schema, fields

from offerhub.api.schemas.envelopes import Body, PageQuery, Query
from offerhub.api.schemas.fields import (
    Choice,
    Flag,
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
from offerhub.api.schemas.orders import WAITS_FOR
from offerhub.domain.operations import OPERATION
from offerhub.services.settling import OUTCOMES


class SwitchMaintenance(Body):
    enabled = Flag(required=True)
    message = Text(most=500, allow_none=True)
    retry_after_s = Whole(least=1, most=86_400, allow_none=True)


class Maintenance(Schema):
    enabled = fields.Boolean(required=True)
    message = shown_or_null()
    retry_after_s = fields.Integer(required=True, allow_none=True)
    since = shown_time(null=True)
    by = shown_or_null()


class AuditQuery(PageQuery):
    resource_type = Text(most=50)
    resource_id = Text(most=64)
    action = Text(most=64)
    user_id = Text(most=64)
    from_ = Moment(data_key="from", metadata={"description": "At this moment or later."})
    to = Moment(metadata={"description": "Before this moment."})


class Actor(Schema):
    type = shown_text()
    id = shown_or_null()


class Seal(Schema):
    number = fields.Integer(required=True)
    hash = shown_text()


class AuditRecord(Schema):
    id = shown_text(example="aud_V1StGXR8_Z5jdHi6B-myT")
    occurred_at = shown_time()
    actor = fields.Nested(Actor, required=True)
    action = shown_text()
    resource_type = shown_text()
    resource_id = shown_or_null()
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    result = shown_choice(("success", "failure"))
    error_code = shown_or_null()
    idempotency_key = shown_or_null()
    request_id = shown_or_null()
    ip = shown_or_null()
    user_agent = shown_or_null()
    seal = fields.Nested(Seal, required=True, allow_none=True)


class BrokenLink(Schema):
    number = fields.Integer(required=True)
    problem = shown_text()


class AuditCheckpoint(Schema):
    number = fields.Integer(required=True)
    at = shown_text()


class BrokenCheckpoint(Schema):
    line = fields.Integer(required=True)
    problem = shown_text()


class AuditCheckpoints(Schema):
    checked = fields.Integer(required=True)
    newest = fields.Nested(AuditCheckpoint, required=True, allow_none=True)
    first_broken = fields.Nested(BrokenCheckpoint, required=True, allow_none=True)


class AuditProof(Schema):
    valid = fields.Boolean(required=True)
    checked = fields.Integer(required=True)
    unsealed = fields.Integer(required=True)
    head = fields.Nested(Seal, required=True)
    first_broken = fields.Nested(BrokenLink, required=True, allow_none=True)
    checkpoints = fields.Nested(
        AuditCheckpoints, required=True, allow_none=True,
        metadata={"description": "The chain against its checkpoints; null where none are kept."},
    )  # fmt: skip


class Queue(Schema):
    name = shown_text()
    waiting = fields.Integer(required=True, allow_none=True)
    oldest_job_s = fields.Integer(
        required=True, allow_none=True,
        metadata={"description": "For how long the job waits that is next; 0 when none does."},
    )  # fmt: skip
    workers = fields.Integer(required=True, allow_none=True)
    failed_jobs = fields.Integer(required=True, allow_none=True)


class LeaseHolder(Schema):
    name = shown_choice(("relay", "deposits", "scheduler"))
    state = shown_choice(("HELD", "FREE"))
    holder = shown_or_null(description="machine:process:…")
    fencing_token = fields.Integer(
        required=True, allow_none=True,
        metadata={"description": "Rises with every new holder; null before the first."},
    )  # fmt: skip
    since = shown_time(null=True)
    until = shown_time(null=True)
    standbys = fields.Integer(
        required=True, metadata={"description": "Processes that wait to take over."}
    )


class QueueOverview(Schema):
    redis = shown_choice(("available", "away"))
    queues = fields.List(fields.Nested(Queue), required=True)
    leases = fields.List(fields.Nested(LeaseHolder), required=True)


class DeadLetter(Schema):
    id = shown_text()
    kind = shown_choice(("inbox", "delivery", "difference"))
    subject = shown_text()
    reference = shown_or_null()
    status = shown_text()
    attempts = fields.Integer(required=True)
    reason = shown_or_null()
    do = shown_or_null(description="What to do about it.")
    since = shown_time(null=True)


class DiscardQuery(Query):
    reason = Text(most=500, required=True)


class OperationQuery(PageQuery):
    status = Choice(*OPERATION.table)


class OperationStep(Schema):
    name = shown_text()
    attempt = fields.Integer(required=True)
    status = shown_text()
    tx_hash = shown_or_null()
    at = shown_time()


class OperationDetail(Schema):
    id = shown_text(example="opn_V1StGXR8_Z5jdHi6B-myT")
    kind = shown_text()
    status = shown_choice(tuple(OPERATION.table))
    step = shown_or_null()
    last_error = shown_or_null()
    subject_type = shown_text()
    subject_id = shown_text()
    failures = fields.Integer(required=True)
    message = shown_or_null()
    next_run_at = shown_time()
    waits_for = shown_or_null(description=WAITS_FOR)
    expected_at = shown_time(null=True)
    created_at = shown_time()
    updated_at = shown_time()
    steps = fields.List(fields.Nested(OperationStep), required=True)


class Because(Body):
    reason = Text(most=500, required=True)


class Settle(Body):
    outcome = Choice(*OUTCOMES, required=True)
    reason = Text(most=500, required=True)


class ReconciliationPart(Schema):
    name = shown_text()
    checked = fields.Integer(required=True)
    total = fields.Integer(required=True)
    moving = fields.Integer(required=True)
    unreachable = fields.Integer(required=True)
    differing = fields.Integer(required=True)
    notes = fields.List(fields.String(), required=True)


class ReconciliationRun(Schema):
    id = shown_text(example="rec_V1StGXR8_Z5jdHi6B-myT")
    status = shown_choice(("MATCHED", "DIFFERENCES"))
    checked = fields.Integer(required=True)
    differing = fields.Integer(required=True)
    unreachable = fields.Integer(required=True)
    repaired = fields.Integer(required=True)
    coverage = fields.List(
        fields.Nested(ReconciliationPart),
        required=True,
        metadata={"description": "What was looked at, part by part, and what was not."},
    )
    started_at = shown_time()
    finished_at = shown_time(null=True)


class Difference(Schema):
    id = shown_text()
    kind = shown_text(description="Its class; docs/operations/reconciliation.md has them all.")
    subject_type = shown_text()
    subject_id = shown_text()
    ours = shown_amount(null=True)
    ours_exact = shown_exact(null=True)
    theirs = shown_amount(null=True)
    theirs_exact = shown_exact(null=True)
    detail = shown_object()
    status = shown_text()
    created_at = shown_time()


class ReconciliationDetail(ReconciliationRun):
    differences = fields.List(fields.Nested(Difference), required=True)

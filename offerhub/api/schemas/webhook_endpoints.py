"""Endpoints and deliveries of outgoing webhooks."""

from marshmallow import Schema, fields, validate

from offerhub.api.schemas.addresses import WebAddress
from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.events import named_pattern
from offerhub.api.schemas.fields import (
    Choice,
    Flag,
    Text,
    shown_choice,
    shown_or_null,
    shown_text,
    shown_time,
)

DELIVERY_STATES = ("PENDING", "SUCCEEDED", "FAILED", "DISCARDED")
_PATTERNS = {"description": 'Event types or patterns: "order.*", "topup.succeeded", "*".'}


class CreateEndpoint(Body):
    url = WebAddress(required=True, metadata={"example": "https://shop.example.com/webhooks"})
    events = fields.List(
        named_pattern(), required=True, validate=validate.Length(min=1, max=100), metadata=_PATTERNS
    )
    description = Text(most=500, allow_none=True)


class UpdateEndpoint(Body):
    url = WebAddress()
    events = fields.List(
        named_pattern(), validate=validate.Length(min=1, max=100), metadata=_PATTERNS
    )
    description = Text(most=500, allow_none=True)
    enabled = Flag()


class Endpoint(Schema):
    id = shown_text(example="whe_V1StGXR8_Z5jdHi6B-myT")
    url = shown_text()
    events = fields.List(shown_text(), required=True)
    description = shown_or_null()
    enabled = fields.Boolean(required=True)
    disabled_reason = shown_or_null()
    failing_since = shown_time(null=True)
    created_at = shown_time()
    updated_at = shown_time()


class EndpointWithSecret(Endpoint):
    secret = shown_text(description="Signs the webhooks; shown this once.")


class DeliveryQuery(PageQuery):
    status = Choice(*DELIVERY_STATES)


class Delivery(Schema):
    id = shown_text(example="whd_V1StGXR8_Z5jdHi6B-myT")
    endpoint_id = shown_text()
    event_id = shown_text()
    status = shown_choice(DELIVERY_STATES)
    attempts = fields.Integer(required=True)
    next_attempt_at = shown_time(null=True)
    last_status_code = fields.Integer(required=True, allow_none=True)
    last_error = shown_or_null()
    created_at = shown_time()
    updated_at = shown_time()


class TestResult(Schema):
    accepted = fields.Boolean(required=True)
    status_code = fields.Integer(required=True, allow_none=True)
    error = shown_or_null()


class Received(Schema):
    duplicate = fields.Boolean(
        required=True, metadata={"description": "It came before, and is ignored."}
    )

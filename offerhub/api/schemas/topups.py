"""Top-ups."""

from marshmallow import Schema, fields

from offerhub.api.schemas.addresses import BrowserAddress
from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.fields import (
    Amount,
    Choice,
    Currency,
    Id,
    Metadata,
    Text,
    shown_amount,
    shown_choice,
    shown_exact,
    shown_object,
    shown_or_null,
    shown_text,
    shown_time,
)
from offerhub.domain import ids
from offerhub.domain.topups import TOPUP

STATUSES = tuple(TOPUP.table)


class CreateTopUp(Body):
    user_id = Id(ids.USER, required=True)
    amount = Amount(required=True)
    return_url = BrowserAddress(required=True, metadata={"example": "https://shop.example/done"})
    cancel_url = BrowserAddress(required=True, metadata={"example": "https://shop.example/cart"})
    currency = Currency(allow_none=True)
    description = Text(most=500, allow_none=True)
    metadata = Metadata(allow_none=True)


class TopUpQuery(PageQuery):
    user_id = Id(ids.USER)
    status = Choice(*STATUSES)
    airtm_payin_id = Text(most=255)


class TopUp(Schema):
    id = shown_text(example="topup_V1StGXR8_Z5jdHi6B-myT")
    user_id = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()
    currency = shown_choice(("USD",))
    status = shown_choice(STATUSES)
    confirmation_url = shown_or_null(description="Where the user confirms; null until it is known.")
    return_url = shown_text()
    cancel_url = shown_text()
    fee = shown_amount(null=True)
    fee_exact = shown_exact(null=True)
    net_amount = shown_amount(null=True)
    net_amount_exact = shown_exact(null=True)
    airtm_payin_id = shown_or_null()
    description = shown_or_null()
    metadata = shown_object()
    failure_reason = shown_or_null()
    late_success = fields.Boolean(required=True)
    expires_at = shown_time()
    created_at = shown_time()
    updated_at = shown_time()

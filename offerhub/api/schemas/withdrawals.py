"""Withdrawals."""

from marshmallow import Schema, fields

from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.fields import (
    Amount,
    Choice,
    Currency,
    Flag,
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
from offerhub.api.schemas.orders import Operation
from offerhub.domain import ids
from offerhub.domain.withdrawals import DESTINATION_TYPES, WITHDRAWAL

STATUSES = tuple(WITHDRAWAL.table)


class CreateWithdrawal(Body):
    user_id = Id(ids.USER, required=True)
    amount = Amount(required=True)
    destination_type = Choice(*DESTINATION_TYPES, required=True)
    destination_ref = Text(
        most=254,
        required=True,
        metadata={"description": "CRYPTO: a G… or M… address. AIRTM_BALANCE: an e-mail address."},
    )
    destination_memo = Text(most=28, allow_none=True)
    currency = Currency(allow_none=True)
    commit = Flag(
        allow_none=True,
        metadata={"description": "Pay at once. CRYPTO always does."},
    )
    description = Text(most=500, allow_none=True)
    metadata = Metadata(allow_none=True)


class WithdrawalQuery(PageQuery):
    user_id = Id(ids.USER)
    status = Choice(*STATUSES)
    airtm_payout_id = Text(most=255)
    stellar_tx_hash = Text(most=64)


class Withdrawal(Schema):
    id = shown_text(example="wd_V1StGXR8_Z5jdHi6B-myT")
    user_id = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()
    currency = shown_choice(("USD",))
    fee = shown_amount(null=True)
    fee_exact = shown_exact(null=True)
    net_amount = shown_amount(null=True)
    net_amount_exact = shown_exact(null=True)
    destination_type = shown_choice(DESTINATION_TYPES)
    destination_ref = shown_text()
    destination_memo = shown_or_null()
    status = shown_choice(STATUSES)
    airtm_payout_id = shown_or_null()
    stellar_tx_hash = shown_or_null()
    failure_reason = shown_or_null()
    operation = fields.Nested(Operation, required=True, allow_none=True)
    description = shown_or_null()
    metadata = shown_object()
    created_at = shown_time()
    updated_at = shown_time()

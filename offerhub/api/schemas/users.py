"""Users, their Airtm account, wallet, balance and statement."""

from marshmallow import Schema, fields

from offerhub.api.schemas.addresses import EmailAddress
from offerhub.api.schemas.envelopes import Body, PageQuery
from offerhub.api.schemas.fields import (
    Amount,
    Choice,
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
from offerhub.domain.money import MAX_BY_HAND_STROOPS
from offerhub.domain.users import TYPES, USER, WALLET

USER_STATUSES = tuple(USER.table)


class CreateUser(Body):
    external_user_id = Text(most=255, required=True, metadata={"example": "customer-1042"})
    type = Choice(*TYPES, required=True)
    email = EmailAddress(allow_none=True)
    metadata = Metadata(allow_none=True)


class LinkAirtm(Body):
    email = EmailAddress(required=True)
    airtm_user_id = Text(
        most=255,
        allow_none=True,
        metadata={"description": "Compared with the account behind the e-mail address."},
    )


class UserQuery(PageQuery):
    external_user_id = Text(most=255)
    type = Choice(*TYPES)
    status = Choice(*USER_STATUSES)
    airtm_user_id = Text(most=255)


class AirtmAccount(Schema):
    airtm_user_id = shown_text()
    email = shown_or_null()
    verified = fields.Boolean(required=True, allow_none=True)
    country = shown_or_null()
    linked_at = shown_time(null=True)


class UserWallet(Schema):
    id = shown_text()
    address = shown_text()
    status = shown_choice(tuple(WALLET.table))


class User(Schema):
    id = shown_text(example="usr_V1StGXR8_Z5jdHi6B-myT")
    external_user_id = shown_text()
    type = shown_choice(TYPES)
    status = shown_choice(USER_STATUSES)
    email = shown_or_null()
    metadata = shown_object()
    airtm = fields.Nested(AirtmAccount, required=True, allow_none=True)
    wallet = fields.Nested(UserWallet, required=True, allow_none=True)
    created_at = shown_time()
    updated_at = shown_time()


class Balance(Schema):
    user_id = shown_text()
    currency = shown_choice(("USD",))
    available = shown_amount()
    available_exact = shown_exact()
    reserved = shown_amount()
    reserved_exact = shown_exact()
    withdrawing = shown_amount()
    withdrawing_exact = shown_exact()
    as_of = shown_time()


class LedgerLine(Schema):
    id = shown_text()
    transfer_id = shown_text()
    kind = shown_text()
    account = shown_choice(("available", "reserved", "withdrawing"))
    amount = shown_amount()
    amount_exact = shown_exact()
    balance_after = shown_amount()
    balance_after_exact = shown_exact()
    subject_type = shown_text()
    subject_id = shown_text()
    description = shown_or_null()
    created_at = shown_time()


class Asset(Schema):
    code = shown_text(example="USDC")
    issuer = shown_text()


class Wallet(Schema):
    id = shown_text()
    user_id = shown_text()
    address = shown_text()
    network = shown_text()
    asset = fields.Nested(Asset, required=True)
    status = shown_choice(tuple(WALLET.table))
    created_at = shown_time()
    updated_at = shown_time()


class Deposit(Schema):
    address = shown_text()
    network = shown_text()
    asset = fields.Nested(Asset, required=True)
    memo = shown_or_null()
    uri = shown_text(description="SEP-7, for wallets and QR codes.")
    status = shown_choice(tuple(WALLET.table))


class UpdateUser(Body):
    email = EmailAddress()
    metadata = Metadata()
    type = Choice(*TYPES)
    status = Choice(*USER_STATUSES)


class Adjust(Body):
    amount = Amount(most_stroops=MAX_BY_HAND_STROOPS, required=True)
    direction = Choice("CREDIT", "DEBIT", required=True)
    reason = Text(most=500, required=True)
    reference = Text(most=200, required=True, metadata={"description": "Your own; used once."})


class ComparedWallet(Schema):
    place = shown_or_null(description="The wallet's address.")
    ours = shown_amount()
    ours_exact = shown_exact()
    theirs = shown_amount(null=True)
    theirs_exact = shown_exact(null=True)
    same = fields.Boolean(required=True)
    settled = fields.Boolean(
        required=True,
        metadata={"description": "False while work is under way: a difference proves nothing."},
    )
    error = shown_or_null()


class SyncedBalance(Balance):
    wallet = fields.Nested(ComparedWallet, required=True)


class WalletTransaction(Schema):
    id = shown_text()
    kind = shown_text()
    direction = shown_choice(("IN", "OUT"))
    amount = shown_amount()
    amount_exact = shown_exact()
    transfer_id = shown_text()
    subject_type = shown_text()
    subject_id = shown_text()
    transaction_hash = shown_or_null()
    created_at = shown_time()

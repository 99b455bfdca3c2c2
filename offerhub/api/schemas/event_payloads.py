"""What each event's payload looks like, type by type: the schemas of the catalogue.

Resources look as the API shows them. Not here: when an event is recorded (`events.catalogue`).
"""

from typing import Final

from marshmallow import Schema, fields

from offerhub.api.schemas import admin, keys, orders, topups, users, withdrawals
from offerhub.api.schemas.fields import (
    shown_amount,
    shown_exact,
    shown_or_null,
    shown_text,
    shown_time,
)
from offerhub.domain.events import EVENT_TYPES


class UserPayload(Schema):
    user = fields.Nested(users.User, required=True)


class NewWallet(Schema):
    id = shown_text()
    user_id = shown_text()
    address = shown_text()


class WalletPayload(Schema):
    wallet = fields.Nested(NewWallet, required=True)


class BalancePayload(Schema):
    user_id = shown_text()
    amount = shown_amount()
    amount_exact = shown_exact()
    transfer_id = shown_text()
    subject_type = shown_text()
    subject_id = shown_text()


class DiscrepancyPayload(Schema):
    difference_id = shown_or_null(description="Null for a broken rule of the books themselves.")
    kind = shown_text()
    account = shown_text()
    place = shown_or_null()
    ours = shown_amount(null=True)
    ours_exact = shown_exact(null=True)
    theirs = shown_amount(null=True)
    theirs_exact = shown_exact(null=True)


class TopUpPayload(Schema):
    topup = fields.Nested(topups.TopUp, required=True)


class OrderPayload(Schema):
    order = fields.Nested(orders.Order, required=True)


class EscrowPayload(Schema):
    order_id = shown_text()
    escrow = fields.Nested(orders.Escrow, required=True)


class MilestonePayload(Schema):
    order_id = shown_text()
    milestone = fields.Nested(orders.Milestone, required=True)


class DisputePayload(Schema):
    dispute = fields.Nested(orders.Dispute, required=True)


class WithdrawalPayload(Schema):
    withdrawal = fields.Nested(withdrawals.Withdrawal, required=True)


class _OperationPayload(Schema):
    operation_id = shown_text()
    kind = shown_text()
    subject_type = shown_text()
    subject_id = shown_text()


class StuckPayload(_OperationPayload):
    step = shown_or_null()
    error_code = shown_or_null()


class SettledPayload(_OperationPayload):
    outcome = shown_text()


class MaintenancePayload(Schema):
    enabled = fields.Boolean(required=True)
    message = shown_or_null()
    retry_after_s = fields.Integer(required=True, allow_none=True)
    since = shown_time(null=True)
    by = shown_or_null()


class ReconciliationPayload(Schema):
    reconciliation = fields.Nested(admin.ReconciliationRun, required=True)


class KeyPayload(keys.ApiKey):
    """The key, without its secret."""


_OF_AGGREGATE: Final[dict[str, type[Schema]]] = {
    "user": UserPayload,
    "wallet": WalletPayload,
    "balance": BalancePayload,
    "topup": TopUpPayload,
    "order": OrderPayload,
    "escrow": EscrowPayload,
    "dispute": DisputePayload,
    "withdrawal": WithdrawalPayload,
    "maintenance": MaintenancePayload,
    "reconciliation": ReconciliationPayload,
    "key": KeyPayload,
}
_OWN: Final[dict[str, type[Schema]]] = {
    "balance.discrepancy_detected": DiscrepancyPayload,
    "escrow.milestone_completed": MilestonePayload,
    "escrow.milestone_released": MilestonePayload,
    "operation.stuck": StuckPayload,
    "operation.settled": SettledPayload,
}

PAYLOADS: Final[dict[str, type[Schema]]] = {
    name: _OWN.get(name) or _OF_AGGREGATE[name.split(".")[0]] for name in EVENT_TYPES
}

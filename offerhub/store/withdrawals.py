"""Withdrawals."""

from typing import Any

from peewee import CharField, IntegerField, TextField, fn

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Stroops, Table
from offerhub.store.paging import Rows, page


class Withdrawal(Table):
    """`amount` is held; `net_amount` reaches the recipient, null before the provider said so."""

    id = CharField(primary_key=True)
    user_id = CharField()
    amount = Stroops()
    fee = Stroops(null=True)
    net_amount = Stroops(null=True)
    currency = CharField()
    destination_type = CharField()
    destination_ref = CharField()
    destination_memo = CharField(null=True)
    status = CharField()
    airtm_payout_id = CharField(null=True, unique=True)
    stellar_tx_hash = CharField(null=True)
    failure_reason = TextField(null=True)
    description = TextField(null=True)
    metadata = JSONText()
    provider_updated_at = Millis(default=0)
    next_check_at = Millis(null=True)
    checks = IntegerField(default=0)
    version = IntegerField(default=1)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "withdrawals"


def get(withdrawal_id: str) -> Withdrawal | None:
    return Withdrawal.get_or_none(Withdrawal.id == withdrawal_id)


def find_by_payout(airtm_payout_id: str) -> Withdrawal | None:
    """The withdrawal that Airtm's pay-out was made for."""
    return Withdrawal.get_or_none(Withdrawal.airtm_payout_id == airtm_payout_id)


def get_for_update(withdrawal_id: str) -> Withdrawal | None:
    """Locks the row."""
    return for_update(Withdrawal.select().where(Withdrawal.id == withdrawal_id)).get_or_none()


def listed(
    *,
    limit: int,
    cursor: str | None,
    user_id: str | None = None,
    status: str | None = None,
    airtm_payout_id: str | None = None,
    stellar_tx_hash: str | None = None,
) -> Rows:
    query = Withdrawal.select()
    if airtm_payout_id is not None:
        query = query.where(Withdrawal.airtm_payout_id == airtm_payout_id)
    if stellar_tx_hash is not None:
        query = query.where(Withdrawal.stellar_tx_hash == stellar_tx_hash)
    if user_id is not None:
        query = query.where(Withdrawal.user_id == user_id)
    if status is not None:
        query = query.where(Withdrawal.status == status)
    return page(query, limit=limit, cursor=cursor, by=Withdrawal.created_at, tie=Withdrawal.id)


def due_for_check(*, now: int, limit: int) -> list[Withdrawal]:
    """Withdrawals under way whose next look at the provider is due, the longest waiting first."""
    query = (
        Withdrawal.select()
        .where(Withdrawal.next_check_at.is_null(False) & (Withdrawal.next_check_at <= now))
        .order_by(Withdrawal.next_check_at)
        .limit(limit)
    )
    return list(query)


def withdrawing_to_airtm() -> dict[str, int]:
    """Stroops held for withdrawals to Airtm that have not ended, by user."""
    ended = ("WITHDRAWAL_COMPLETED", "WITHDRAWAL_FAILED", "WITHDRAWAL_CANCELED")
    query = (
        Withdrawal.select(Withdrawal.user_id, fn.SUM(Withdrawal.amount))
        .where((Withdrawal.destination_type == "AIRTM_BALANCE") & Withdrawal.status.not_in(ended))
        .group_by(Withdrawal.user_id)
    )
    rows: Any = query.tuples()
    return {user_id: int(amount) for user_id, amount in rows}

"""Top-ups."""

from peewee import BooleanField, CharField, IntegerField, TextField

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Stroops, Table
from offerhub.store.paging import Rows, page


class TopUp(Table):
    """`fee` and `net_amount` are what the provider reported, null before it did."""

    id = CharField(primary_key=True)
    user_id = CharField()
    amount = Stroops()
    fee = Stroops(null=True)
    net_amount = Stroops(null=True)
    currency = CharField()
    status = CharField()
    airtm_payin_id = CharField(null=True, unique=True)
    confirmation_url = TextField(null=True)
    return_url = TextField()
    cancel_url = TextField()
    description = TextField(null=True)
    metadata = JSONText()
    failure_reason = TextField(null=True)
    payer_airtm_id = CharField(null=True)
    payer_mismatch = BooleanField(default=False)
    late_success = BooleanField(default=False)
    provider_updated_at = Millis(default=0)
    next_check_at = Millis(null=True)
    checks = IntegerField(default=0)
    expires_at = Millis()
    version = IntegerField(default=1)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "topups"


def get(topup_id: str) -> TopUp | None:
    return TopUp.get_or_none(TopUp.id == topup_id)


def get_for_update(topup_id: str) -> TopUp | None:
    """Locks the row."""
    return for_update(TopUp.select().where(TopUp.id == topup_id)).get_or_none()


def listed(
    *,
    limit: int,
    cursor: str | None,
    user_id: str | None = None,
    status: str | None = None,
    airtm_payin_id: str | None = None,
) -> Rows:
    query = TopUp.select()
    if airtm_payin_id is not None:
        query = query.where(TopUp.airtm_payin_id == airtm_payin_id)
    if user_id is not None:
        query = query.where(TopUp.user_id == user_id)
    if status is not None:
        query = query.where(TopUp.status == status)
    return page(query, limit=limit, cursor=cursor, by=TopUp.created_at, tie=TopUp.id)


def due_for_check(*, now: int, limit: int) -> list[TopUp]:
    """Open top-ups whose next look at the provider is due, the longest waiting first."""
    query = (
        TopUp.select()
        .where(TopUp.next_check_at.is_null(False) & (TopUp.next_check_at <= now))
        .order_by(TopUp.next_check_at)
        .limit(limit)
    )
    return list(query)

"""Disputes and their comments."""

from peewee import CharField, TextField

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Stroops, Table
from offerhub.store.paging import Rows, page


class Dispute(Table):
    """One active dispute per order (a unique index says so)."""

    id = CharField(primary_key=True)
    order_id = CharField()
    milestone_ref = CharField(null=True)
    opened_by = CharField()
    reason = CharField()
    status = CharField()
    assignee = CharField(null=True)
    evidence = JSONText()
    note = TextField(null=True)
    decision = CharField(null=True)
    release_amount = Stroops(null=True)
    refund_amount = Stroops(null=True)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "disputes"


class DisputeComment(Table):
    id = CharField(primary_key=True)
    dispute_id = CharField()
    author = CharField()
    body = TextField()
    created_at = Millis()

    class Meta:
        table_name = "dispute_comments"


def active_of(order_id: str) -> Dispute | None:
    return Dispute.get_or_none((Dispute.order_id == order_id) & (Dispute.status != "RESOLVED"))


def latest_of(order_id: str) -> Dispute | None:
    """The order's newest dispute: the active one if there is one."""
    query = Dispute.select().where(Dispute.order_id == order_id)
    return query.order_by(Dispute.created_at.desc(), Dispute.id.desc()).first()


def latest_of_all(order_ids: list[str]) -> dict[str, Dispute]:
    """The newest dispute by order id, for a page of orders."""
    query = Dispute.select().where(Dispute.order_id.in_(order_ids))
    return {row.order_id: row for row in query.order_by(Dispute.created_at, Dispute.id)}


def get(dispute_id: str) -> Dispute | None:
    return Dispute.get_or_none(Dispute.id == dispute_id)


def get_for_update(dispute_id: str) -> Dispute | None:
    """Locks the row."""
    return for_update(Dispute.select().where(Dispute.id == dispute_id)).get_or_none()


def comments_of(dispute_id: str) -> list[DisputeComment]:
    query = DisputeComment.select().where(DisputeComment.dispute_id == dispute_id)
    return list(query.order_by(DisputeComment.created_at, DisputeComment.id))


def listed(
    *,
    limit: int,
    cursor: str | None,
    status: str | None = None,
    order_id: str | None = None,
    assignee: str | None = None,
) -> Rows:
    query = Dispute.select()
    for column, value in (
        (Dispute.status, status),
        (Dispute.order_id, order_id),
        (Dispute.assignee, assignee),
    ):
        if value is not None:
            query = query.where(column == value)
    return page(query, limit=limit, cursor=cursor, by=Dispute.created_at, tie=Dispute.id)

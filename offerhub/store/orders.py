"""Orders, milestones and their escrow contracts."""

from typing import Any

from peewee import CharField, IntegerField, Query, TextField, fn

from offerhub.store import statements
from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Stroops, Table
from offerhub.store.paging import Either, Rows, page
from offerhub.store.statements import Statement, given
from offerhub.store.users import User


class Order(Table):
    id = CharField(primary_key=True)
    buyer_id = CharField()
    seller_id = CharField()
    amount = Stroops()
    currency = CharField()
    title = TextField()
    description = TextField(null=True)
    client_order_ref = CharField(null=True, unique=True)
    platform_fee_bps = IntegerField()
    milestone_count = IntegerField(default=0)
    status = CharField()
    resolution = CharField(null=True)
    metadata = JSONText()
    version = IntegerField(default=1)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "orders"


class Milestone(Table):
    id = CharField(primary_key=True)
    order_id = CharField()
    position = IntegerField()
    milestone_ref = CharField()
    title = TextField()
    amount = Stroops()
    status = CharField()
    evidence_url = TextField(null=True)
    note = TextField(null=True)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "milestones"


class Escrow(Table):
    """One live escrow per order (a unique index says so); a FAILED deployment stays as history."""

    id = CharField(primary_key=True)
    order_id = CharField()
    kind = CharField()
    status = CharField()
    resolution = CharField(null=True)
    amount = Stroops()
    platform_fee_bps = IntegerField()
    trustless_contract_id = CharField(null=True, unique=True)
    buyer_address = CharField()
    seller_address = CharField()
    platform_address = CharField()
    release_address = CharField()
    resolver_address = CharField()
    deploy_tx_hash = CharField(null=True)
    fund_tx_hash = CharField(null=True)
    release_tx_hash = CharField(null=True)
    version = IntegerField(default=1)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "escrows"


def insert(row: dict[str, Any]) -> Order:
    """Raises: IntegrityError when the client's reference was used before."""
    made = Order(**row)
    statements.insert(Order, [made.__data__])
    return made


def get(order_id: str) -> Order | None:
    return Order.get_or_none(Order.id == order_id)


def get_for_update(order_id: str) -> Order | None:
    """Locks the row. Take it before any other lock of the same order."""
    return for_update(Order.select().where(Order.id == order_id)).get_or_none()


def reserve_if_created(order_id: str, *, now: int) -> Order | None:
    """Compare and set: ORDER_CREATED to FUNDS_RESERVED if the buyer is ACTIVE, in one statement.

    The changed and locked order, or None when it was not so.
    """
    return _RESERVE.first(order_id=order_id, now=now)


def _reserve() -> Query:
    active = User.select(User.id).where((User.id == Order.buyer_id) & (User.status == "ACTIVE"))
    return (
        Order.update(status="FUNDS_RESERVED", updated_at=given("now"), version=Order.version + 1)
        .where(
            (Order.id == given("order_id")) & (Order.status == "ORDER_CREATED") & fn.EXISTS(active)
        )
        .returning(Order)
    )


_RESERVE = Statement(_reserve, Order)


def find_by_client_ref(client_order_ref: str) -> Order | None:
    return Order.get_or_none(Order.client_order_ref == client_order_ref)


def milestones_of(order_ids: list[str]) -> list[Milestone]:
    query = Milestone.select().where(Milestone.order_id.in_(order_ids))
    return list(query.order_by(Milestone.order_id, Milestone.position))


def escrow_of(order_id: str) -> Escrow | None:
    """The live escrow of an order."""
    return Escrow.get_or_none((Escrow.order_id == order_id) & (Escrow.status != "FAILED"))


def escrows_of(order_ids: list[str]) -> dict[str, Escrow]:
    """Live escrows by order id, for a page of orders."""
    query = Escrow.select().where(Escrow.order_id.in_(order_ids) & (Escrow.status != "FAILED"))
    return {escrow.order_id: escrow for escrow in query}


def escrow_for_update(order_id: str) -> Escrow | None:
    """Locks the live escrow of an order. Lock the order first."""
    query = Escrow.select().where((Escrow.order_id == order_id) & (Escrow.status != "FAILED"))
    return for_update(query).get_or_none()


def own_contracts(contract_ids: list[str]) -> set[str]:
    """Which of these contracts are escrows of ours."""
    query = Escrow.select(Escrow.trustless_contract_id).where(
        Escrow.trustless_contract_id.in_(contract_ids)
    )
    found = (row.trustless_contract_id for row in query)
    return {contract_id for contract_id in found if contract_id is not None}


def listed(
    *,
    limit: int,
    cursor: str | None,
    status: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    party_id: str | None = None,
    client_order_ref: str | None = None,
    trustless_contract_id: str | None = None,
    created_after: int | None = None,
    created_before: int | None = None,
) -> Rows:
    """`party_id`: orders in which that user buys or sells."""
    query = Order.select()
    for column, value in (
        (Order.status, status),
        (Order.buyer_id, buyer_id),
        (Order.seller_id, seller_id),
        (Order.client_order_ref, client_order_ref),
    ):
        if value is not None:
            query = query.where(column == value)
    if trustless_contract_id is not None:
        escrow = escrow_by_contract(trustless_contract_id)
        query = query.where(Order.id == (escrow.order_id if escrow else None))
    party = None
    if party_id is not None:
        party = Either((Order.buyer_id, Order.seller_id), party_id)
    if created_after is not None:
        query = query.where(Order.created_at > created_after)
    if created_before is not None:
        query = query.where(Order.created_at < created_before)
    return page(query, limit=limit, cursor=cursor, by=Order.created_at, tie=Order.id, either=party)


def escrow_by_contract(contract_id: str) -> Escrow | None:
    return Escrow.get_or_none(Escrow.trustless_contract_id == contract_id)

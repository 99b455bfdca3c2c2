"""What was ever written down about a resource, over all tables: for explaining, never for deciding.

Every query is bounded by its caller. Those that have no index read a whole table, which is fine for
a person's question and for nothing else.
"""

from collections.abc import Collection, Sequence
from typing import Any

from offerhub.store.audit import AuditRecord, AuditSeal
from offerhub.store.deliveries import WebhookDelivery, WebhookEndpoint
from offerhub.store.deposits import Deposit
from offerhub.store.disputes import Dispute, DisputeComment
from offerhub.store.events import Event
from offerhub.store.inbox import InboxEvent
from offerhub.store.ledger import Entry, Transfer
from offerhub.store.operations import Operation, Step
from offerhub.store.orders import Escrow, Milestone, Order
from offerhub.store.topups import TopUp
from offerhub.store.users import User, Wallet
from offerhub.store.withdrawals import Withdrawal

CHUNK = 500  # values in one IN, below what either database takes

# Where an id or a reference may stand: (table, column). The order is that of the answers.
_PLACES: tuple[tuple[Any, Any], ...] = (
    (Order, Order.client_order_ref),
    (User, User.external_user_id),
    (User, User.airtm_user_id),
    (Wallet, Wallet.address),
    (TopUp, TopUp.airtm_payin_id),
    (Withdrawal, Withdrawal.airtm_payout_id),
    (Withdrawal, Withdrawal.stellar_tx_hash),
    (Withdrawal, Withdrawal.destination_ref),
    (Escrow, Escrow.trustless_contract_id),
    (Escrow, Escrow.deploy_tx_hash),
    (Escrow, Escrow.fund_tx_hash),
    (Escrow, Escrow.release_tx_hash),
    (Step, Step.tx_hash),
    (Step, Step.source_address),
    (Deposit, Deposit.transaction_hash),
    (Deposit, Deposit.source_address),
    (InboxEvent, InboxEvent.event_id),
    (InboxEvent, InboxEvent.code),
    (Transfer, Transfer.reference),
)
# Tables by the prefix of their ids.
_TABLES: dict[str, Any] = {
    "ord": Order, "usr": User, "wal": Wallet, "topup": TopUp, "wd": Withdrawal, "esc": Escrow,
    "mst": Milestone, "dsp": Dispute, "cmt": DisputeComment, "opn": Operation, "evt": Event,
    "aud": AuditRecord, "ldg": Transfer, "dep": Deposit, "inb": InboxEvent,
    "whd": WebhookDelivery, "whe": WebhookEndpoint,
}  # fmt: skip


def by_id(prefix: str, id_: str) -> Any | None:
    """The row with this id; None also for a prefix without a table here."""
    table = _TABLES.get(prefix)
    return None if table is None else table.get_or_none(table.id == id_)


def mentions(value: str, *, limit: int) -> list[tuple[str, str, Any]]:
    """(table, column, row) for every row that has this reference of the outside world."""
    found = []
    for table, column in _PLACES:
        for row in table.select().where(column == value).limit(limit):
            found.append((table._meta.table_name, column.name, row))
    return found


def audit_of_request(request_id: str, *, limit: int) -> list[AuditRecord]:
    query = AuditRecord.select().where(AuditRecord.request_id == request_id)
    return list(query.order_by(AuditRecord.position).limit(limit))


def audit_of_key(idempotency_key: str, *, limit: int) -> list[AuditRecord]:
    query = AuditRecord.select().where(AuditRecord.idempotency_key == idempotency_key)
    return list(query.order_by(AuditRecord.position).limit(limit))


def audit_about(ids: Collection[str], *, limit: int) -> list[tuple[AuditRecord, AuditSeal | None]]:
    """Records about these resources, newest first, each with its seal."""
    rows = _some(AuditRecord, AuditRecord.resource_id, ids, AuditRecord.position, limit)
    seals = _all(AuditSeal, AuditSeal.audit_id, [row.id for row in rows])
    by_record = {seal.audit_id: seal for seal in seals}
    return [(row, by_record.get(row.id)) for row in rows]


def operations_about(ids: Collection[str], *, limit: int) -> list[Operation]:
    return _some(Operation, Operation.subject_id, ids, Operation.created_at, limit)


def steps_about(operation_ids: Collection[str]) -> list[Step]:
    return _all(Step, Step.operation_id, operation_ids)


def events_about(ids: Collection[str], *, limit: int) -> list[Event]:
    return _some(Event, Event.aggregate_id, ids, Event.position, limit)


def events_concerning(
    user_ids: Collection[str], *, from_ms: int, to_ms: int, aggregate_type: str | None, limit: int
) -> list[Event]:
    """Events of these users between two times, newest first, of one kind or of all."""
    names = list(user_ids)
    query = Event.select().where(
        (Event.user_1.in_(names) | Event.user_2.in_(names))
        & Event.occurred_at.between(from_ms, to_ms)
    )
    if aggregate_type is not None:
        query = query.where(Event.aggregate_type == aggregate_type)
    return list(query.order_by(Event.position.desc()).limit(limit))


def transfers_about(ids: Collection[str], *, limit: int) -> list[Transfer]:
    return _some(Transfer, Transfer.subject_id, ids, Transfer.created_at, limit)


def transfers_of_owner(user_id: str, *, limit: int) -> list[Transfer]:
    """Transfers that touch a user's accounts, newest first."""
    entries = (
        Entry.select(Entry.transfer_id)
        .where(Entry.owner_id == user_id)
        .order_by(Entry.id.desc())
        .limit(2 * limit)
    )
    ids = list(dict.fromkeys(row.transfer_id for row in entries))[:limit]
    return _all(Transfer, Transfer.id, ids)


def entries_of(transfer_ids: Collection[str]) -> list[Entry]:
    return _all(Entry, Entry.transfer_id, transfer_ids)


def inbox_about(codes: Collection[str], *, limit: int) -> list[InboxEvent]:
    return _some(InboxEvent, InboxEvent.code, codes, InboxEvent.received_at, limit)


def deposits_with(
    *, hashes: Collection[str], ids: Collection[str], user_id: str | None, limit: int
) -> list[Deposit]:
    """Movements that reached our wallets: in these transactions, with these ids, or of a user."""
    found = {row.id: row for row in _some(Deposit, Deposit.transaction_hash, hashes, None, limit)}
    found |= {row.id: row for row in _some(Deposit, Deposit.id, ids, None, limit)}
    if user_id is not None:
        own = _some(Deposit, Deposit.user_id, [user_id], Deposit.created_at, limit)
        found |= {row.id: row for row in own}
    return list(found.values())


def deliveries_of(event_ids: Collection[str], *, endpoint_id: str | None) -> list[WebhookDelivery]:
    """Deliveries of these events, or the newest of one endpoint."""
    if endpoint_id is not None:
        return _some(
            WebhookDelivery, WebhookDelivery.endpoint_id, [endpoint_id], WebhookDelivery.created_at,
            CHUNK,
        )  # fmt: skip
    return _all(WebhookDelivery, WebhookDelivery.event_id, event_ids)


def endpoints(ids: Collection[str]) -> dict[str, WebhookEndpoint]:
    return {row.id: row for row in _all(WebhookEndpoint, WebhookEndpoint.id, ids)}


def business_of_user(user_id: str, *, limit: int) -> dict[str, list[str]]:
    """Ids of a user's newest top-ups, withdrawals and orders (on either side), `limit` of each."""
    of_user: list[tuple[str, Any, Any]] = [
        ("topup", TopUp, TopUp.user_id == user_id),
        ("withdrawal", Withdrawal, Withdrawal.user_id == user_id),
        ("order", Order, (Order.buyer_id == user_id) | (Order.seller_id == user_id)),
    ]
    found: dict[str, list[str]] = {}
    for what, table, own in of_user:
        newest = table.select(table.id).where(own).order_by(table.created_at.desc()).limit(limit)
        found[what] = [row.id for row in newest]
    return found


def parts_of_orders(order_ids: Collection[str]) -> list[str]:
    """Ids of the escrows, milestones and disputes of these orders."""
    tables = (Escrow, Milestone, Dispute)
    return [row.id for table in tables for row in _all(table, table.order_id, order_ids)]


def parts_of_order(order_id: str) -> dict[str, list[Any]]:
    """Every escrow (failed ones too), milestone and dispute of an order."""
    return {
        "escrow": list(Escrow.select().where(Escrow.order_id == order_id)),
        "milestone": list(Milestone.select().where(Milestone.order_id == order_id)),
        "dispute": list(Dispute.select().where(Dispute.order_id == order_id)),
    }


def _some(table: Any, column: Any, values: Collection[str], newest_by: Any, limit: int) -> Any:
    """Up to `limit` rows per chunk of values, the newest when an order is given."""
    found: list[Any] = []
    for chunk in _chunks(values):
        query = table.select().where(column.in_(chunk)).limit(limit)
        found += list(query if newest_by is None else query.order_by(newest_by.desc()))
    return found


def _all(table: Any, column: Any, values: Collection[str]) -> Any:
    return [row for chunk in _chunks(values) for row in table.select().where(column.in_(chunk))]


def _chunks(values: Collection[str]) -> list[Sequence[str]]:
    listed = sorted(set(values))
    return [listed[start : start + CHUNK] for start in range(0, len(listed), CHUNK)]

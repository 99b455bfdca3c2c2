"""What an id, ours or the outside world's, belongs to: the resources whose story explains it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from offerhub.store import history
from offerhub.store import operations as operations_store

MAX_SUBJECTS = 5
MENTIONS = 20
ADDRESS_START, ADDRESS_LENGTH = "G", 56

# Columns that name a counterpart rather than the thing itself: they count when nothing else does.
_VAGUE = {
    ("operation_steps", "source_address"),
    ("deposits", "source_address"),
    ("deposits", "transaction_hash"),
    ("withdrawals", "destination_ref"),
    ("inbox_events", "code"),
}
_NOUNS = {
    "ord": "an order", "usr": "a user", "wal": "a user's wallet", "topup": "a top-up",
    "wd": "a withdrawal", "esc": "an order's escrow", "mst": "an order's milestone",
    "dsp": "an order's dispute", "cmt": "a comment on a dispute", "opn": "an operation",
    "evt": "an event", "aud": "an audit record", "ldg": "a ledger transfer", "dep": "a deposit",
    "inb": "a received webhook", "whd": "a delivery", "whe": "a webhook endpoint",
}  # fmt: skip
_COLUMNS = {
    ("orders", "client_order_ref"): "the marketplace's reference of an order",
    ("users", "external_user_id"): "the marketplace's id of a user",
    ("users", "airtm_user_id"): "an Airtm account linked to a user",
    ("wallets", "address"): "the address of a user's wallet",
    ("topups", "airtm_payin_id"): "Airtm's pay-in of a top-up",
    ("withdrawals", "airtm_payout_id"): "Airtm's pay-out of a withdrawal",
    ("withdrawals", "stellar_tx_hash"): "the transaction of a withdrawal",
    ("withdrawals", "destination_ref"): "where a withdrawal went",
    ("escrows", "trustless_contract_id"): "the contract of an order's escrow",
    ("escrows", "deploy_tx_hash"): "the transaction that deployed an escrow",
    ("escrows", "fund_tx_hash"): "the transaction that funded an escrow",
    ("escrows", "release_tx_hash"): "the transaction that paid an escrow out",
    ("operation_steps", "tx_hash"): "the transaction of an operation's step",
    ("operation_steps", "source_address"): "the account that signed an operation's step",
    ("deposits", "transaction_hash"): "the transaction of a deposit",
    ("deposits", "source_address"): "where a deposit came from",
    ("inbox_events", "event_id"): "a provider's webhook",
    ("inbox_events", "code"): "what a provider's webhook was about",
    ("transfers", "reference"): "the business key of a ledger transfer",
}
# Kinds without a table to look into: whatever was audited about them is their story.
_AUDITED = {"key": "an API key", "rec": "a reconciliation", "mkt": "this marketplace"}


@dataclass(frozen=True, slots=True)
class Found:
    """What the id is, the resource whose story explains it, and which lines it is itself.

    focus: ids, hashes and request ids; a line that carries one of them is what was asked for.
    """

    what: str
    type: str
    id: str
    focus: frozenset[str]


def find(value: str) -> list[Found]:
    """Everything that this id means, the likeliest first; empty when nobody knows it."""
    prefix = value.split("_", 1)[0]
    row = history.by_id(prefix, value)
    if row is not None:
        return [_found(_NOUNS[prefix], row, {value})]
    found = list(_by_request(value)) or list(_by_mention(value))
    if not found and prefix in _AUDITED and history.audit_about([value], limit=1):
        found = [Found(_AUDITED[prefix], "resource", value, frozenset({value}))]
    return _distinct(found)


def _by_request(value: str) -> Iterable[Found]:
    """A request id or an idempotency key: whatever it changed."""
    for what, records in (
        ("a request", history.audit_of_request(value, limit=MENTIONS)),
        ("the idempotency key of a request", history.audit_of_key(value, limit=MENTIONS)),
    ):
        for record in records:
            yield _found(what, record, {value})


def _by_mention(value: str) -> Iterable[Found]:
    vague: list[Found] = []
    sharp: list[Found] = []
    for table, column, row in history.mentions(value, limit=MENTIONS):
        # An address stands in many rows; only in the steps and deposits is it a mere party.
        found = _found(_COLUMNS[table, column], row, {value, str(row.id)})
        (vague if (table, column) in _VAGUE else sharp).append(found)
    return sharp or vague


def _found(what: str, row: Any, focus: set[str]) -> Found:
    type_, id_ = subject_of(row)
    return Found(what, type_, id_, frozenset(focus))


def subject_of(row: Any) -> tuple[str, str]:
    """(type, id) of the resource whose story tells about this row."""
    table = row._meta.table_name
    if table in {"escrows", "milestones", "disputes"}:
        return "order", row.order_id
    if table in _OWN:
        return _OWN[table], row.id
    if table == "wallets":
        return "user", row.user_id
    if table == "operation_steps":
        operation = operations_store.get(row.operation_id)
        return _of_id(operation.subject_id, row.operation_id) if operation else ("", row.id)
    return _of_id(_points_to(table, row), row.id)


_OWN = {
    "orders": "order", "users": "user", "topups": "topup", "withdrawals": "withdrawal",
    "deposits": "deposit", "webhook_endpoints": "webhook_endpoint",
}  # fmt: skip


def _points_to(table: str, row: Any) -> str | None:
    """The id of what this row is about."""
    if table == "events":
        payload = row.payload if isinstance(row.payload, dict) else {}
        return str(payload.get("subject_id") or row.aggregate_id)
    column = {
        "operations": "subject_id", "transfers": "subject_id", "audit_records": "resource_id",
        "inbox_events": "code", "webhook_deliveries": "event_id", "dispute_comments": "dispute_id",
    }[table]  # fmt: skip
    value = getattr(row, column)
    return None if value is None else str(value)


def _of_id(id_: str | None, fallback: str) -> tuple[str, str]:
    if id_ is None:
        return "resource", fallback
    row = history.by_id(id_.split("_", 1)[0], id_)
    return ("resource", id_) if row is None else subject_of(row)


def _distinct(found: list[Found]) -> list[Found]:
    """One answer per resource, its focus joined; the first MAX_SUBJECTS."""
    kept: dict[tuple[str, str], Found] = {}
    for one in found:
        before = kept.get((one.type, one.id))
        if before is None:
            kept[one.type, one.id] = one
        else:
            kept[one.type, one.id] = Found(before.what, one.type, one.id, before.focus | one.focus)
    return list(kept.values())[:MAX_SUBJECTS]

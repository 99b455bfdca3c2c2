"""Fills a migrated database with many rows by plain SQL, for what is measured at volume.

The rows have the form of real ones and no more: states follow no rule and the books do not balance.
Statuses and types are skewed as they are in life: most rows are old and finished, few are anything
else. Never for a database that anybody needs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Run = Callable[[str], Any]

EVENTS_PER_ORDER: Final = 2
PREFIX_ZEROS: Final = 21


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows are spread over. One row of `rare_every` has the rare word."""

    users: int = 1_000
    traders: int = 1_000  # those of the users that anything belongs to
    assignees: int = 50
    rare_every: int = 500


def fill(run: Run, *, orders: int, postgres: bool, shape: Shape | None = None) -> None:
    """`orders` orders, as many top-ups, withdrawals, transfers, deliveries and audit records, a
    tenth of disputes; `EVENTS_PER_ORDER` events each. Foreign keys are not looked at.

    Postgres gets its statistics, as it would have got them by itself; SQLite gets none, since
    the product never asks for any.
    """
    run("SET session_replication_role = replica" if postgres else "PRAGMA foreign_keys = OFF")
    for statement in _statements(orders, shape or Shape()):
        run(statement.replace("%", "%%") if postgres else statement)
    if postgres:
        run("ANALYZE")
    run("SET session_replication_role = DEFAULT" if postgres else "PRAGMA foreign_keys = ON")


def row_id(prefix: str, number: int) -> str:
    """The id of one of the rows."""
    return f"{prefix}_{number:0{PREFIX_ZEROS}d}"


def _statements(orders: int, shape: Shape) -> list[str]:
    traders = shape.traders
    user = _id("usr", f"i % {traders}")
    seller = _id("usr", f"(i + 1 + i / {traders} % {traders - 1}) % {traders}")  # never the buyer
    of_transfer = _id("usr", f"(i + 1) / 2 % {traders}")

    def _rare(rare: str, common: str) -> str:
        every = shape.rare_every
        return f"CASE WHEN i % {every} = {every - 1} THEN '{rare}' ELSE '{common}' END"

    return [
        _insert("users", shape.users, {
            "id": _id("usr", f"i % {shape.users}"), "external_user_id": "'external-' || i",
            "type": "CASE WHEN i % 50 = 0 THEN 'SELLER' ELSE 'BUYER' END",
            "status": "CASE WHEN i % 97 = 0 THEN 'SUSPENDED' ELSE 'ACTIVE' END",
            "metadata": "'{}'", "version": "1", **_TIMES}),
        _insert("orders", orders, {
            "id": _id("ord", "i"), "buyer_id": user, "seller_id": seller, "amount": "10000000",
            "currency": "'USD'", "title": "'Logo'", "platform_fee_bps": "0", "metadata": "'{}'",
            "status": _rare("DISPUTED", "CLOSED"), "client_order_ref": "'ref-' || i",
            "milestone_count": "0", "version": "1", **_TIMES}),
        _insert("disputes", orders // 10, {
            "id": _id("dsp", "i"), "order_id": _id("ord", "i * 10"), "opened_by": "'BUYER'",
            "reason": "'OTHER'", "status": "'RESOLVED'", "evidence": "'[]'",
            "assignee": f"'support-' || (i % {shape.assignees})", **_TIMES}),
        _insert("topups", orders, {
            "id": _id("topup", "i"), "user_id": user, "amount": "10000000",
            "status": _rare("TOPUP_FAILED", "TOPUP_SUCCEEDED"), "return_url": "'https://s.example'",
            "cancel_url": "'https://s.example'", "metadata": "'{}'", "expires_at": "i",
            "currency": "'USD'", "provider_updated_at": "i", "checks": "0", "version": "1",
            **_TIMES}),
        _insert("withdrawals", orders, {
            "id": _id("wd", "i"), "user_id": user, "amount": "10000000",
            "status": _rare("WITHDRAWAL_FAILED", "WITHDRAWAL_COMPLETED"), "currency": "'USD'",
            "destination_type": "'CRYPTO'", "destination_ref": "'G'", "metadata": "'{}'",
            "provider_updated_at": "i", "checks": "0", "version": "1", **_TIMES}),
        _insert("transfers", orders, {
            "id": _id("ldg", "i"), "kind": "'adjustment'", "reference": "'volume-' || i",
            "subject_type": "'order'", "subject_id": _id("ord", "i"), "created_at": "i"}),
        _insert("entries", orders * 2, {
            "transfer_id": _id("ldg", "(i + 1) / 2"),
            "account": f"CASE WHEN i % 2 = 1 THEN 'user:' || {of_transfer} || ':available' "
                       f"ELSE 'stellar.wallet:' || {of_transfer} END",
            "owner_id": f"CASE WHEN i % 2 = 1 THEN {of_transfer} END",
            "amount": "CASE WHEN i % 2 = 1 THEN -1 ELSE 1 END",
            "balance_after": "CASE WHEN i % 2 = 1 THEN 1 END", "created_at": "(i + 1) / 2"}),
        _insert("events", orders * EVENTS_PER_ORDER, {
            "id": _id("evt", "i"), "sequence": "i",
            "type": _rare("dispute.opened", "order.created"),
            "aggregate_type": _rare("dispute", "order"), "aggregate_id": _id("ord", "i"),
            "user_1": user, "user_2": seller, "payload": "'{}'", "metadata": "'{}'",
            "occurred_at": "i"}),
        _insert("audit_records", orders, {
            "id": _id("aud", "i"), "occurred_at": "i", "actor_type": "'api_key'",
            "actor_id": f"'key_' || (i % {shape.traders})",
            "action": _rare("key.revoked", "order.create"),
            "resource_type": _rare("key", "order"), "resource_id": _id("ord", "i"),
            "result": "'success'"}),
        _insert("webhook_endpoints", 10, {
            "id": _id("whe", "i"), "url": "'https://s.example'", "events": "'[]'",
            "sealed_secrets": "'[]'", "cursor": "0", **_TIMES}),
        _insert("webhook_deliveries", orders, {
            "id": _id("whd", "i"), "endpoint_id": _id("whe", "i % 10 + 1"),
            "event_id": _id("evt", "i"), "status": _rare("FAILED", "SUCCEEDED"), "attempts": "1",
            **_TIMES}),
        _insert("operations", orders, {
            "id": _id("opn", "i"), "kind": "'escrow.deploy'", "subject_type": "'order'",
            "subject_id": _id("ord", "i"), "status": _rare("STUCK", "SUCCEEDED"),
            "params": "'{}'", "facts": "'{}'", "context": "'{}'", "failures": "0",
            "next_run_at": "i", "lease_until": "0", "lease_token": "0", **_TIMES}),
        _insert("api_keys", 200, {
            "id": _id("key", "i"), "name": "'spare'", "scopes": "'[]'", "salt": "'s'",
            "secret_hash": "'h'", "token_version": "1", "marketplace_id": "'mkt'",
            "created_at": "i"}),
    ]  # fmt: skip


_TIMES: Final = {"created_at": "i", "updated_at": "i"}


def _id(prefix: str, number: str) -> str:
    """`row_id` in SQL that means the same to both: a negative place in a text does not."""
    return (
        f"'{prefix}_' || substr('{'0' * PREFIX_ZEROS}' || ({number}), length('' || ({number})) + 1)"
    )


def _insert(table: str, rows: int, columns: dict[str, str]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        "SELECT " + ", ".join(columns.values()) + " FROM (WITH RECURSIVE n(i) AS "
        f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) SELECT i FROM n) AS numbers"
    )

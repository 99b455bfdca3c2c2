"""Rows of the history as lines of a story: when, where it is written, and one sentence.

Details are redacted like audit records. Left out altogether: signed transactions, the bodies of
received webhooks, and all of an endpoint's URL but its host.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from offerhub.domain.money import format_exact
from offerhub.ledger import accounts
from offerhub.services import turns
from offerhub.services.audit import redact, redact_text
from offerhub.services.representations import timestamp
from offerhub.services.turns import Turn

# Where lines of the same millisecond come: a cause before what it caused.
_RANK = {
    "webhook": 0, "request": 1, "change": 1, "ledger": 2, "event": 3, "operation": 4, "step": 5,
    "outcome": 6, "deposit": 7, "delivery": 8,
}  # fmt: skip
_PEOPLE = {"api_key", "token", "operator"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was written down. `about`: the ids and hashes by which it can be asked for."""

    at_ms: int
    source: str
    id: str
    what: str
    about: frozenset[str]
    detail: dict[str, Any] = field(default_factory=dict)
    position: int = 0

    def order(self) -> tuple[int, int, int, str]:
        return self.at_ms, _RANK[self.source], self.position, self.id

    def shown(self, *, focus: frozenset[str]) -> dict[str, Any]:
        return {
            "at": timestamp(self.at_ms),
            "source": self.source,
            "id": self.id,
            "what": redact_text(self.what),
            "asked_for": bool(self.about & focus),
            "detail": redact(self.detail),
        }


def of_audit(rows: Iterable[tuple[Any, Any]]) -> Iterator[Line]:
    """Requests of people and programs, and changes that the system made by itself."""
    for row, seal in rows:
        words = [row.action, *_states(row.before, row.after), f"by {row.actor_type}"]
        if row.actor_id:
            words.append(row.actor_id)
        if row.result != "success":
            words.append(f"({row.result}: {row.error_code})")
        yield Line(
            row.occurred_at,
            "request" if row.actor_type in _PEOPLE else "change",
            row.id,
            " ".join(words),
            _about(row.id, row.request_id, row.idempotency_key),
            {
                "request_id": row.request_id,
                "idempotency_key": row.idempotency_key,
                "actor": {"type": row.actor_type, "id": row.actor_id},
                "ip": row.ip,
                "resource_type": row.resource_type,
                "resource_id": row.resource_id,
                "result": row.result,
                "error_code": row.error_code,
                "before": row.before,
                "after": row.after,
                "seal_number": seal.number if seal else None,
            },
            row.position,
        )


def of_events(rows: Iterable[Any]) -> Iterator[Line]:
    for row in rows:
        place = f"number {row.sequence}" if row.sequence is not None else "not on the stream yet"
        yield Line(
            row.occurred_at, "event", row.id, f"{row.type} ({place})",
            _about(row.id, row.metadata.get("correlation_id")),
            {
                "event_type": row.type, "sequence": row.sequence,
                "aggregate_id": row.aggregate_id, "payload": row.payload,
                "metadata": row.metadata,
            },
            row.position,
        )  # fmt: skip


def of_transfers(rows: Iterable[Any], entries: Iterable[Any]) -> Iterator[Line]:
    """Amounts in the account's natural sign: what makes its balance larger is positive."""
    sides: dict[str, list[dict[str, Any]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.id):
        after = entry.balance_after
        sides.setdefault(entry.transfer_id, []).append(
            {
                "account": entry.account,
                "amount_exact": format_exact(accounts.sign(entry.account) * entry.amount),
                "balance_after_exact": None if after is None else format_exact(after),
            }
        )
    for row in rows:
        yield Line(
            row.created_at, "ledger", row.id, f"{row.kind} ({row.reference})",
            _about(row.id, row.reference),
            {"kind": row.kind, "reference": row.reference, "entries": sides.get(row.id, [])},
        )  # fmt: skip


def of_operations(
    rows: Iterable[Any], steps: Iterable[Any], turns_now: Mapping[str, Turn]
) -> Iterator[Line]:
    """What was asked for, how it stands and, if it waits for others, until when about."""
    kinds: dict[str, str] = {}
    for row in rows:
        kinds[row.id] = row.kind
        request_id = row.context.get("request_id")
        about = _about(row.id, request_id)
        detail = {"kind": row.kind, "subject_id": row.subject_id, "request_id": request_id}
        yield Line(row.created_at, "operation", row.id, f"{row.kind} is asked for", about, detail)
        words = f"{row.kind} is {row.status}"
        if row.status == "PENDING":
            words += f", next at {timestamp(row.next_run_at)}"
        turn = turns.fields(turns_now.get(row.id) if row.status == "PENDING" else None)
        if turn["expected_at"]:
            words += f", waits for {turn['waits_for']} until about {turn['expected_at']}"
        if row.last_error and row.status != "SUCCEEDED":
            words += f": {row.last_error}"
        yield Line(
            row.updated_at, "outcome", row.id, words, about,
            {
                **detail, "status": row.status, "step": row.step, "failures": row.failures,
                "last_error": row.last_error, "last_error_code": row.last_error_code,
                **turn, "facts": row.facts,
            },
        )  # fmt: skip
    for number, step in enumerate(sorted(steps, key=lambda s: (s.created_at, s.name, s.attempt))):
        took_s = (step.updated_at - step.created_at) / 1000
        words = f"{kinds.get(step.operation_id, '')}/{step.name}, attempt {step.attempt}"
        words += f": {step.status} after {took_s:.1f} s"
        if step.tx_hash:
            words += f", transaction {step.tx_hash}"
        yield Line(
            step.created_at, "step", step.id, words,
            _about(step.id, step.tx_hash, step.operation_id),
            {
                "operation_id": step.operation_id, "name": step.name, "attempt": step.attempt,
                "status": step.status, "tx_hash": step.tx_hash,
                "source_address": step.source_address, "request": step.request,
                "outcome": step.outcome, "ended_at": timestamp(step.updated_at),
            },
            number,
        )  # fmt: skip


def of_webhooks(rows: Iterable[Any]) -> Iterator[Line]:
    for row in rows:
        detail = {
            "provider": row.provider, "event_id": row.event_id, "event_type": row.event_type,
            "code": row.code, "status": row.status, "attempts": row.attempts,
            "reason": row.reason, "processed_at": timestamp(row.processed_at),
        }  # fmt: skip
        words = f"{row.provider} announced {row.event_type}: {row.status}"
        if row.reason:
            words += f", {row.reason}"
        about = _about(row.id, row.event_id)
        yield Line(row.received_at, "webhook", row.id, words, about, detail)


def of_deposits(rows: Iterable[Any]) -> Iterator[Line]:
    for row in rows:
        words = f"{format_exact(row.amount)} {row.asset} came from {row.source_address}"
        words += f": {row.status}" + (f", {row.reason}" if row.reason else "")
        yield Line(
            row.occurred_at, "deposit", row.id, words,
            _about(row.id, row.transaction_hash, row.source_address),
            {
                "transaction_hash": row.transaction_hash, "amount_exact": format_exact(row.amount),
                "asset": row.asset, "source_address": row.source_address, "kind": row.kind,
                "memo": row.memo, "status": row.status, "reason": row.reason,
                "user_id": row.user_id, "recorded_at": timestamp(row.created_at),
            },
        )  # fmt: skip


def of_deliveries(rows: Iterable[Any], endpoints: dict[str, Any]) -> Iterator[Line]:
    for row in rows:
        endpoint = endpoints.get(row.endpoint_id)
        host = urlsplit(endpoint.url).hostname if endpoint else None
        words = f"{row.event_id} to {host or row.endpoint_id}: {row.status}"
        words += f" after {row.attempts} attempt{'' if row.attempts == 1 else 's'}"
        yield Line(
            row.created_at, "delivery", row.id, words, _about(row.id, row.event_id),
            {
                "endpoint_id": row.endpoint_id, "host": host, "event_id": row.event_id,
                "status": row.status, "attempts": row.attempts,
                "last_status_code": row.last_status_code, "last_error": row.last_error,
                "updated_at": timestamp(row.updated_at),
            },
        )  # fmt: skip


def _states(before: Any, after: Any) -> list[str]:
    """From which state to which, when the record says so."""
    old = before.get("status") if isinstance(before, dict) else None
    new = after.get("status") if isinstance(after, dict) else None
    if old and new and old != new:
        return [f"{old} -> {new}"]
    return [f"-> {new}"] if new and not old else []


def _about(*names: str | None) -> frozenset[str]:
    return frozenset(name for name in names if name)

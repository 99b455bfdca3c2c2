"""Giving committed events their gap-free place on the stream, and sealing the audit chain.

One relay is active at a time, by a lease with a fencing token that is checked, under a lock, in
the very transaction that does the work: a relay that was paused past its lease changes nothing.
Not here: the process around it (`worker.relay`).
"""

import hashlib
from typing import Any

from offerhub.store import audit as audit_store
from offerhub.store import events as event_store
from offerhub.store import leases
from offerhub.store.database import atomic, connection
from offerhub.store.fields import canonical

LEASE_NAME = "relay"
LEASE_TTL_MS = 5_000
BATCH = 500
GENESIS = "0" * 64
SEAL_FORMAT = 1
LATE_POSITIONS = 10_000  # how far behind the newest sealed record a late commit is looked for

SEALED_FIELDS = (
    "id", "occurred_at", "actor_type", "actor_id", "action", "resource_type", "resource_id",
    "before", "after", "result", "error_code", "idempotency_key", "request_id", "ip", "user_agent",
)  # fmt: skip


class LeaseLost(Exception):
    """Another relay has taken over; this one must stop working until it gets the lease again."""


def lease_clock_ms(own_ms: int) -> int:
    """What leases are measured by: the database's clock where it has one, else the caller's."""
    with connection():
        return leases.clock_ms(own_ms)


def take_lease(*, holder: str, now_ms: int) -> int | None:
    """The fencing token, or None while another relay is active. Commits."""
    with atomic():
        return leases.take(LEASE_NAME, holder=holder, now=now_ms, ttl_ms=LEASE_TTL_MS)


def sequence_events(*, holder: str, token: int) -> int:
    """Place up to one batch of events on the stream; how many. Commits.

    Raises: LeaseLost.
    """
    with connection():
        if not event_store.unsequenced(1):
            return 0
    with atomic():
        _require_lease(holder=holder, token=token)
        waiting = event_store.unsequenced(BATCH)
        if waiting:
            first = event_store.head_sequence() + 1
            event_store.place([event.id for event in waiting], first_sequence=first)
        return len(waiting)


def seal_audit(*, holder: str, token: int, after_position: int = 0) -> tuple[int, int]:
    """Seal up to one batch of audit records; (how many, position of the newest). Commits.

    after_position: look only at records beyond it; 0 looks at all of them.
    Raises: LeaseLost.
    """
    with connection():
        if not audit_store.unsealed(1, after_position=after_position):
            return 0, after_position
    with atomic():
        _require_lease(holder=holder, token=token)
        records = audit_store.unsealed(BATCH, after_position=after_position)
        if not records:
            return 0, after_position
        last = audit_store.last_seal()
        number, previous = (last.number, last.hash) if last else (0, GENESIS)
        rows = []
        for record in records:
            number += 1
            hash_ = link_hash(number=number, previous_hash=previous, record=record)
            rows.append(
                {
                    "number": number,
                    "audit_id": record.id,
                    "previous_hash": previous,
                    "hash": hash_,
                    "format": SEAL_FORMAT,
                }
            )
            previous = hash_
        audit_store.seal(rows)
        return len(rows), max(record.position for record in records)


def link_hash(*, number: int, previous_hash: str, record: Any) -> str:
    """SHA-256 over the canonical JSON of a link: its number, the hash before it, the record."""
    body = {name: getattr(record, name) for name in SEALED_FIELDS}
    text = canonical({"number": number, "previous_hash": previous_hash, "record": body})
    return hashlib.sha256(text.encode()).hexdigest()


def _require_lease(*, holder: str, token: int) -> None:
    if not leases.still_held(LEASE_NAME, holder=holder, token=token):
        raise LeaseLost(holder)


def give_up(*, holder: str) -> None:
    """Let a standby take over at once. Commits."""
    with atomic():
        leases.give_up(LEASE_NAME, holder=holder)

"""Why something is as it is: everything that was written down about it, in the order of time.

Reads only. Nothing here decides anything, and nothing secret is in it.
"""

from dataclasses import dataclass, field
from typing import Any

from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.services import explanation_lines as lines
from offerhub.services import orders, topups, turns, users, withdrawals
from offerhub.services.audit import redact, redact_text
from offerhub.services.context import Context
from offerhub.services.explanation_search import Found, find
from offerhub.store import history
from offerhub.store import users as users_store
from offerhub.store.database import snapshot

LIMIT = 1000
PER_KIND = 2000  # rows that are read of each kind at least, however few lines are wanted
BUSINESS = 100  # of a user's top-ups, withdrawals and orders each
AROUND_MS = 60_000  # an order's own times and those of its events may differ by this much

_STATES = {
    "order": orders.get_order, "user": users.get_user, "topup": topups.get_topup,
    "withdrawal": withdrawals.get_withdrawal,
}  # fmt: skip


@dataclass(slots=True)
class Scope:
    """The ids under which a resource's history is written, and whom it concerns."""

    ids: set[str]
    parties: list[str] = field(default_factory=list)
    owner: str | None = None
    endpoint: str | None = None
    truncated: bool = False


def explain(ctx: Context, value: str, *, limit: int = LIMIT) -> dict[str, Any]:
    """The story of whatever `value` names: an id of ours, or one of the outside world.

    `found` says what it is, and what the provider said if it failed; `lines` are of all the
    resources named there, oldest first, and those that are the very thing asked for have
    `asked_for`. `limit`: lines; the newest are kept.
    `truncated`: there is more than was kept, or more of a kind than is read.
    Raises: NOT_FOUND.
    """
    value = value.strip()
    turns_now = turns.expected_lately(ctx.app)  # before the snapshot, for it asks Redis
    with snapshot():
        found = find(value) if value else []
        if not found:
            raise NotFound("Nothing is known under this id.", id=value)
        told: dict[tuple[str, str], lines.Line] = {}
        truncated = False
        for one in found:
            of_one, cut = _story(one, turns_now, limit=max(limit, PER_KIND))
            truncated = truncated or cut
            told |= {(line.source, line.id): line for line in of_one}
        states = [
            {
                "what": one.what,
                "type": one.type,
                "id": one.id,
                "state": _state(ctx, one),
                "provider_said": _provider_said(one),
            }
            for one in found
        ]
    focus = frozenset().union(*(one.focus for one in found))
    ordered = sorted(told.values(), key=lines.Line.order)
    return {
        "id": value,
        "found": states,
        "lines": [line.shown(focus=focus) for line in ordered[-limit:]],
        "truncated": truncated or len(ordered) > limit,
    }


def _story(
    found: Found, turns_now: dict[str, turns.Turn], *, limit: int
) -> tuple[list[lines.Line], bool]:
    """Every line about one resource, unordered; and whether a kind has more than `limit`."""
    scope = _scope(found)
    operations = history.operations_about(scope.ids, limit=limit)
    steps = history.steps_about([row.id for row in operations])
    scope.ids |= {row.id for row in operations}
    transfers: list[Any] = history.transfers_about(scope.ids, limit=limit)
    if scope.owner is not None:
        transfers = [*transfers, *history.transfers_of_owner(scope.owner, limit=limit)]
    transfers = _once(transfers)
    events = _events(scope, transfers, operations, limit=limit)
    event_ids = [row.id for row in events]
    deliveries = history.deliveries_of(event_ids, endpoint_id=scope.endpoint)
    deposits = history.deposits_with(
        # What a user's transactions brought to somebody else is not theirs.
        hashes=() if scope.owner else {step.tx_hash for step in steps if step.tx_hash},
        ids=scope.ids, user_id=scope.owner, limit=limit,
    )  # fmt: skip
    webhooks: list[Any] = history.inbox_about(scope.ids, limit=limit)
    scope.ids |= {row.id for row in [*webhooks, *deliveries]}
    records = history.audit_about(scope.ids, limit=limit)
    told = [
        *lines.of_audit(records),
        *lines.of_events(events),
        *lines.of_transfers(transfers, history.entries_of([row.id for row in transfers])),
        *lines.of_operations(operations, steps, turns_now),
        *lines.of_webhooks(webhooks),
        *lines.of_deposits(deposits),
        *lines.of_deliveries(deliveries, history.endpoints({d.endpoint_id for d in deliveries})),
    ]
    kinds = (records, events, transfers, operations, webhooks, deposits)
    return told, scope.truncated or any(len(rows) >= limit for rows in kinds)


def _scope(found: Found) -> Scope:
    if found.type == "order":
        row = history.by_id("ord", found.id)
        parts = history.parts_of_order(found.id)
        ids = {part.id for kind in parts.values() for part in kind}
        return Scope({found.id, *ids}, parties=[row.buyer_id, row.seller_id] if row else [])
    if found.type == "user":
        return _scope_of_user(found.id)
    if found.type in {"topup", "withdrawal", "deposit"}:
        row = history.by_id(found.id.split("_", 1)[0], found.id)
        return Scope({found.id}, parties=[row.user_id] if row and row.user_id else [])
    if found.type == "webhook_endpoint":
        return Scope({found.id}, endpoint=found.id)
    return Scope({found.id})


def _scope_of_user(user_id: str) -> Scope:
    """With their newest business, for it is what their balance comes from."""
    wallet = users_store.wallet_of(user_id)
    business = history.business_of_user(user_id, limit=BUSINESS)
    ids = {user_id, *history.parts_of_orders(business["order"])}.union(*business.values())
    if wallet is not None:
        ids.add(wallet.id)
    cut = any(len(listed) == BUSINESS for listed in business.values())
    return Scope(ids, parties=[user_id], owner=user_id, truncated=cut)


def _events(scope: Scope, transfers: list[Any], operations: list[Any], *, limit: int) -> list[Any]:
    """A resource's own events, and those of its parties' balances that name it."""
    found: list[Any] = list(history.events_about(scope.ids, limit=limit))
    if scope.owner is not None:
        concerning = history.events_concerning(
            [scope.owner], from_ms=0, to_ms=2**62, aggregate_type=None, limit=limit
        )
        return _once([*found, *concerning])
    times = [row.created_at for row in transfers]
    if times and scope.parties:
        of_balances = history.events_concerning(
            scope.parties,
            from_ms=min(times) - AROUND_MS,
            to_ms=max([*times, *(row.updated_at for row in operations)]) + AROUND_MS,
            aggregate_type="balance",
            limit=limit,
        )
        found += [row for row in of_balances if row.payload.get("subject_id") in scope.ids]
    return _once(found)


def _once(rows: list[Any]) -> list[Any]:
    return list({row.id: row for row in rows}.values())


def _provider_said(found: Found) -> str | None:
    """Why a top-up or a withdrawal failed, as the provider wrote it; clients get our own words."""
    if found.type not in {"topup", "withdrawal"}:
        return None
    row = history.by_id(found.id.split("_", 1)[0], found.id)
    return redact_text(row.failure_reason) if row and row.failure_reason else None


def _state(ctx: Context, found: Found) -> dict[str, Any] | None:
    """What the resource is now, as the API shows it, e-mail addresses masked."""
    look = _STATES.get(found.type)
    if look is None:
        return None
    try:
        shown: dict[str, Any] = redact(look(ctx, found.id))
    except OfferHubError:
        return None  # written about, and not there (any more)
    return shown

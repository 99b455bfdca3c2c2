"""Reconciliation: every asset account against its provider; differences recorded and alarmed."""

from collections.abc import Sequence
from typing import Any

import structlog

from offerhub.domain import ids
from offerhub.domain.errors import NotFound
from offerhub.ledger import accounts
from offerhub.services import audit, balances, mirror
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.services.mirror import Compared
from offerhub.services.representations import money, timestamp
from offerhub.services.users import require
from offerhub.store import reconciliations as store
from offerhub.store.database import atomic, connection

log = structlog.get_logger(__name__)


def run(ctx: Context) -> dict[str, Any]:
    """Compare everything now. Not inside a transaction; commits the run and its differences."""
    started = ctx.now_ms()
    compared = mirror.compare(ctx, mirror.asset_accounts(ctx))
    differing = [one for one in compared if one.differs]
    run_id = ids.new_id(ids.RECONCILIATION)
    with atomic():
        row = store.Reconciliation.create(
            id=run_id,
            status="DIFFERENCES" if differing else "MATCHED",
            checked=sum(1 for one in compared if one.theirs is not None),
            differing=len(differing),
            unreachable=sum(1 for one in compared if one.error is not None),
            started_at=started,
            finished_at=ctx.now_ms(),
        )
        _record(ctx, differing, run_id=run_id)
        shown = _run(row)
        audit.record(
            ctx, action="reconciliation.run", resource_type="reconciliation",
            resource_id=run_id, after=shown,
        )  # fmt: skip
        announce(ctx, NewEvent("reconciliation.completed", run_id, {"reconciliation": shown}))
    return get_run(ctx, run_id)


def get_run(ctx: Context, run_id: str) -> dict[str, Any]:
    """With its differences. Raises: NOT_FOUND."""
    with connection():
        row = store.get(run_id)
        if row is None:
            raise NotFound("There is no such reconciliation.", reconciliation_id=run_id)
        return {**_run(row), "differences": [_difference(d) for d in store.differences_of(run_id)]}


def list_runs(ctx: Context, *, limit: int = 20, cursor: str | None = None) -> Page:
    """Newest first, without differences."""
    with connection():
        rows = store.listed(limit=limit, cursor=cursor)
        return Page([_run(row) for row in rows.rows], rows.next_cursor)


def look_at_wallet(ctx: Context, user_id: str) -> Compared:
    """A user's wallet against the chain. Not inside a transaction. Raises: USER_NOT_FOUND."""
    with connection():
        require(user_id)
    return mirror.compare(ctx, [accounts.wallet(user_id)])[0]


def record_wallet(ctx: Context, user_id: str, compared: Compared) -> dict[str, Any]:
    """The user's balance and what `look_at_wallet` found; a difference is recorded. Commits."""
    with atomic():
        if compared.differs:
            _record(ctx, [compared], run_id=None)
        return {
            **balances.get_balance(ctx, user_id),
            "wallet": {
                "place": compared.place,
                **money("ours", compared.ours),
                **money("theirs", compared.theirs),
                "same": compared.theirs == compared.ours,
                "settled": compared.settled,
                "error": compared.error,
            },
        }


def _record(ctx: Context, differing: Sequence[Compared], *, run_id: str | None) -> None:
    for one in differing:
        subject = one.account.split(":", 1)[1] if ":" in one.account else one.account
        is_wallet = one.account.startswith("stellar.wallet:")
        store.insert_difference(
            {
                "id": ids.new_id(ids.DIFFERENCE),
                "reconciliation_id": run_id,
                "kind": "asset_balance",
                "subject_type": "user" if is_wallet else "account",
                "subject_id": subject,
                "ours": one.ours,
                "theirs": one.theirs,
                "detail": {"account": one.account, "place": one.place},
                "status": "OPEN",
                "created_at": ctx.now_ms(),
            }
        )
        log.error(
            "reconciliation.difference", account=one.account, place=one.place,
            ours=one.ours, theirs=one.theirs,
        )  # fmt: skip
        announce(
            ctx,
            NewEvent(
                "balance.discrepancy_detected",
                subject,
                {
                    "account": one.account,
                    "place": one.place,
                    **money("ours", one.ours),
                    **money("theirs", one.theirs),
                },
                (subject,) if is_wallet else (),
            ),
        )


def _run(row: store.Reconciliation) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "checked": row.checked,
        "differing": row.differing,
        "unreachable": row.unreachable,
        "started_at": timestamp(row.started_at),
        "finished_at": timestamp(row.finished_at),
    }


def _difference(row: store.Difference) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "subject_type": row.subject_type,
        "subject_id": row.subject_id,
        **money("ours", row.ours),
        **money("theirs", row.theirs),
        "detail": row.detail,
        "status": row.status,
        "created_at": timestamp(row.created_at),
    }

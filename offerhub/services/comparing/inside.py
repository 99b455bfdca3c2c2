"""What needs nobody else to be seen: the books' invariants, and work that nobody does."""

from collections.abc import Callable
from functools import partial
from typing import Any

from offerhub.domain.differences import Difference
from offerhub.ledger import checks
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.context import Context
from offerhub.store import comparisons, work_left
from offerhub.store.database import atomic, connection, snapshot
from offerhub.store.topups import TopUp
from offerhub.store.withdrawals import Withdrawal

MOST = 100
WAITS_FOR_AIRTM = (
    "TOPUP_AWAITING_USER_CONFIRMATION",
    "TOPUP_PROCESSING",
    "WITHDRAWAL_COMMITTED",
    "WITHDRAWAL_PENDING",
    "WITHDRAWAL_PENDING_USER_ACTION",
)


def compare_books(_: Context) -> Section:
    """Every invariant of the books, and that what ended has its transfer, of its amount."""
    section = Section("books", checked=1, total=1)
    with snapshot():
        findings = checks.check()
        booked = list(comparisons.booked_wrong())
    section.found = [
        Found(
            Difference.LEDGER_INVARIANT, "ledger", one.subject, "books", ours=one.found,
            theirs=one.expected, detail={"invariant": one.invariant},
        )
        for one in findings[:MOST]
    ]  # fmt: skip
    section.found += [
        Found(
            Difference.BOOKED_AMOUNT, what, id_, "books", ours=done, theirs=due,
            user_ids=(user_id,),
        )
        for what, id_, user_id, due, done in booked
    ]  # fmt: skip
    return section


def compare_work(ctx: Context) -> Section:
    """Operations that are stuck or that nobody performs, and rows that wait for nothing."""
    section = Section("work under way")
    now = ctx.now_ms()
    before = now - GRACE_MS
    with connection():
        stuck = work_left.stuck_operations(limit=MOST)
        idle = work_left.idle_operations(
            due_before=before, lease_now=ctx.app.lease_now(), limit=MOST
        )
    for operation in stuck:
        section.found.append(
            Found(
                Difference.OPERATION_STUCK, "operation", operation.id, "work",
                detail={
                    "operation_kind": operation.kind, "subject_id": operation.subject_id,
                    "error": operation.last_error_code,
                },
            )
        )  # fmt: skip
    for operation in idle:
        section.found.append(
            Found(
                Difference.OPERATION_IDLE, "operation", operation.id, "work",
                detail={
                    "operation_kind": operation.kind, "subject_id": operation.subject_id,
                    "minutes": (now - operation.next_run_at) // 60_000,
                },
                repair=ringing(ctx, "operations"),
            )
        )  # fmt: skip
    _left_alone(ctx, section, before=before)
    section.checked = section.total = section.checked + len(stuck) + len(idle)
    return section


def _left_alone(ctx: Context, section: Section, *, before: int) -> None:
    with connection():
        topups = work_left.topups_under_way(before=before)
        withdrawals = work_left.withdrawals_under_way(before=before)
        orders = work_left.orders_under_way(before=before)
        rows: list[Any] = [*topups, *withdrawals, *orders]
        # What is stuck is told as such.
        ids = [row.id for row in rows]
        worked_on = work_left.worked_on(ids) | work_left.worked_on_orders(
            [row.id for row in orders]
        )
    section.checked += len(rows)
    for row in rows:
        if row.id in worked_on:
            continue
        known = getattr(row, "airtm_payin_id", None) or getattr(row, "airtm_payout_id", None)
        looks = bool(known) and row.status in WAITS_FOR_AIRTM
        section.found.append(
            Found(
                Difference.WORK_MISSING, _noun(row), row.id, "work", ours=row.amount,
                detail={"status": row.status},
                user_ids=(row.user_id,) if hasattr(row, "user_id") else (),
                repair=partial(_schedule, ctx, type(row), row.id) if looks else None,
            )
        )  # fmt: skip


def _noun(row: Any) -> str:
    names: dict[Any, str] = {TopUp: "topup", Withdrawal: "withdrawal"}
    return names.get(type(row), "order")


def _schedule(ctx: Context, table: type[TopUp] | type[Withdrawal], id_: str) -> bool:
    with atomic():
        work_left.schedule_look(table, id_, now=ctx.now_ms())
    ctx.app.doorbell.ring("checks")
    return True


def ringing(ctx: Context, bell: str) -> Callable[[], bool]:
    """A repair that wakes whoever does this sort of work."""

    def ring() -> bool:
        ctx.app.doorbell.ring(bell)
        return True

    return ring

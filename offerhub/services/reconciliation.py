"""Reconciliation: everything of ours against the providers and the chain, in one run.

Each difference has a class (`domain.differences`), is recorded, told and, only where that is
provably safe, put right; the rest is for an operator, with a sentence that says what to do.
Not here: the comparisons, a module per place (`comparing`).
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import structlog

from offerhub.domain import ids
from offerhub.domain.differences import MEANINGS, Difference
from offerhub.domain.errors import NotFound
from offerhub.ports.errors import ProviderFailure
from offerhub.ports.payments import PayinListing, PayoutListing
from offerhub.services import audit, balances, discrepancies, mirror
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.comparing import (
    contracts,
    escrow_payments,
    inside,
    messages,
    payins,
    payments,
    payouts,
    rails,
    wallets,
)
from offerhub.services.comparing.findings import GRACE_MS, Found, Section
from offerhub.services.context import Context, Page
from offerhub.services.mirror import Compared
from offerhub.services.representations import money, timestamp
from offerhub.services.users import require
from offerhub.store import reconciliations as store
from offerhub.store.database import atomic, connection
from offerhub.store.failures import is_passing, is_unavailable

_List = TypeVar("_List", PayinListing, PayoutListing)

log = structlog.get_logger(__name__)

RECORDED: Final = 1000  # of one run, each with an event; the run's figures count all
# This part of the calls is for payments of withdrawals and of escrows, the rest for wallets.
PAYMENTS_SHARE: Final = 4


def run(ctx: Context) -> dict[str, Any]:
    """Compare everything now. Not inside a transaction; commits the run and its differences.

    What cannot be asked is told and is no difference. Repairs commit by themselves, before.
    """
    started = ctx.now_ms()
    with connection():
        last = store.newest_finished()
    since = last.started_at - GRACE_MS if last else 0
    sections = list(_sections(ctx, since=since))
    found = [one for section in sections for one in section.found]
    repaired = [_repair(one) for one in found[:RECORDED]]
    run_id = ids.new_id(ids.RECONCILIATION)
    with atomic():
        row = store.Reconciliation.create(
            id=run_id,
            status="DIFFERENCES" if found else "MATCHED",
            checked=sum(section.checked for section in sections),
            differing=len(found),
            unreachable=sum(section.unreachable for section in sections),
            repaired=sum(repaired),
            coverage=[section.shown() for section in sections],
            started_at=started,
            finished_at=ctx.now_ms(),
        )
        for one, done in zip(found[:RECORDED], repaired, strict=True):
            _record(ctx, one, run_id=run_id, repaired=done)
        shown = _run(row)
        audit.record(
            ctx, action="reconciliation.run", resource_type="reconciliation",
            resource_id=run_id, after=shown,
        )  # fmt: skip
        announce(ctx, NewEvent("reconciliation.completed", run_id, {"reconciliation": shown}))
    log.info(
        "reconciliation.completed", run=run_id, checked=row.checked, differing=row.differing,
        repaired=row.repaired, unreachable=row.unreachable,
    )  # fmt: skip
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
    return mirror.compare_wallet(ctx, user_id)


def record_wallet(ctx: Context, user_id: str, compared: Compared) -> dict[str, Any]:
    """The user's balance and what `look_at_wallet` found; a difference is recorded. Commits."""
    with atomic():
        if compared.differs:
            found = Found(
                Difference.ASSET_BALANCE, "user", user_id, str(compared.place),
                ours=compared.ours, theirs=compared.theirs, user_ids=(user_id,),
                detail={"account": compared.account},
            )  # fmt: skip
            _record(ctx, found, run_id=None, repaired=False)
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


def _sections(ctx: Context, *, since: int) -> Iterator[Section]:
    calls = ctx.app.policy.reconciliation_calls
    lists = Section("Airtm's lists")
    listed_in = _listing(lists, ctx.app.payments.payins)
    listed_out = _listing(lists, ctx.app.payments.payouts)
    if lists.unreachable:
        yield lists
    yield _guarded("books", lambda: inside.compare_books(ctx))
    yield _guarded("work under way", lambda: inside.compare_work(ctx))
    if listed_in is not None:
        yield _guarded("pay-ins", lambda: payins.compare(ctx, listed_in))
    if listed_out is not None:
        yield _guarded("pay-outs", lambda: payouts.compare(ctx, listed_out))
    yield _guarded("returned pay-outs", lambda: payouts.returned(ctx))
    yield _guarded(
        "webhooks from Airtm",
        lambda: messages.compare_incoming(ctx, payins=listed_in, payouts=listed_out, since=since),
    )
    yield _guarded("webhooks to the marketplace", lambda: messages.compare_outgoing(ctx))
    yield _guarded("escrows", lambda: contracts.compare(ctx, since=since))
    share = calls // PAYMENTS_SHARE
    half = share // 2
    yield _guarded("payments", lambda: payments.compare(ctx, since=since, calls=share - half))
    yield _guarded(
        escrow_payments.NAME, lambda: escrow_payments.compare(ctx, since=since, calls=half)
    )
    yield _guarded("wallets", lambda: wallets.compare(ctx, since=since, calls=calls - share))
    yield _guarded("treasury at Airtm", lambda: rails.compare_airtm(ctx))
    yield _guarded("treasury on chain", lambda: rails.compare_stellar(ctx))


def _listing(section: Section, read: Callable[[], _List]) -> _List | None:
    try:
        return read()
    except ProviderFailure as failure:
        section.failed("lists of Airtm", failure)
        return None


def _guarded(name: str, compare: Callable[[], Section]) -> Section:
    """A part that fails holds up no other; a database that is away ends the run."""
    try:
        return compare()
    except Exception as error:
        if is_unavailable(error) and not is_passing(error):
            raise
        log.exception("reconciliation.fault", section=name)
        return Section(name, unreachable=1, notes=[f"{type(error).__name__}: {error}"[:200]])


def _repair(found: Found) -> bool:
    if found.repair is None:
        return False
    try:
        return found.repair()
    except Exception as error:
        if is_unavailable(error) and not is_passing(error):
            raise
        log.exception("reconciliation.repair_failed", kind=found.kind, subject=found.subject)
        return False


def _record(ctx: Context, found: Found, *, run_id: str | None, repaired: bool) -> None:
    meaning = MEANINGS[found.kind]
    done = meaning.repair if repaired else None
    difference_id = discrepancies.record(
        ctx,
        kind=str(found.kind),
        subject=found.subject,
        subject_type=found.subject_type,
        ours=found.ours,
        theirs=found.theirs,
        detail={
            **found.detail,
            "place": found.place,
            "what": meaning.what,
            "do": meaning.do,
            "repaired": done,
        },
        user_ids=found.user_ids,
        reconciliation_id=run_id,
    )
    if repaired:
        store.mark_repaired(difference_id)


def _run(row: store.Reconciliation) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "checked": row.checked,
        "differing": row.differing,
        "repaired": row.repaired,
        "unreachable": row.unreachable,
        "coverage": row.coverage,
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

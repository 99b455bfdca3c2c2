"""Escrow contracts: parties, amount, balance, flags and milestones against our orders."""

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts, journal
from offerhub.ports.errors import ProviderFailure
from offerhub.ports.escrow import EscrowFacts, MilestoneFacts
from offerhub.services.comparing import lagging
from offerhub.services.comparing.findings import Found, Section
from offerhub.services.comparing.touching import Touched, under_way
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import orders as store
from offerhub.store.database import atomic, connection

BATCH = 200


def compare(ctx: Context, *, since: int) -> Section:
    """Contracts that have not ended, or ended since a moment; and contracts that nobody knows.

    Not inside a transaction. An order with work under way, before or after, proves nothing.
    """
    section = Section("escrows")
    with connection():
        rows = comparisons.escrows_to_compare(since=since)
    section.total = len(rows)
    for start in range(0, len(rows), BATCH):
        _batch(ctx, section, [row.id for row in rows[start : start + BATCH]], last=False)
    _unknown(ctx, section)
    return section


def _batch(ctx: Context, section: Section, ids: list[str], *, last: bool) -> None:
    """Look at some; those that differ once more. Only the second look counts."""
    before = under_way()
    with connection():
        rows = list(store.Escrow.select().where(store.Escrow.id.in_(ids)))
    wanted = {str(row.trustless_contract_id): row.kind == "MULTI_RELEASE" for row in rows}
    try:
        facts = ctx.app.escrows.read_many(wanted)
    except ProviderFailure as failure:
        section.unreachable += len(rows) - 1
        section.failed("escrows", failure)
        return
    after = under_way()
    again: list[str] = []
    for row in rows:
        found, stood_still = _judge(row, facts.get(str(row.trustless_contract_id)))
        busy = _is_busy(row.order_id, before) or _is_busy(row.order_id, after)
        if found and not last:
            again.append(row.id)
        elif found and (busy or not stood_still or lagging.is_fresh(ctx, row.updated_at)):
            section.moving += 1
        else:
            section.checked += 1
            section.found += found
    if again:
        _batch(ctx, section, again, last=True)


def _is_busy(order_id: str, touched: Touched) -> bool:
    return order_id in touched.subjects


def _judge(row: store.Escrow, facts: EscrowFacts | None) -> tuple[list[Found], bool]:
    """What differs, and whether our side is still as it was read."""
    with atomic():
        now = store.Escrow.get_by_id(row.id)
        ours = journal.balance(accounts.contract(row.order_id))
        milestones = store.milestones_of([row.order_id])
    found = _differences(now, milestones, facts, ours=ours)
    return found, now.version == row.version


def _differences(
    row: store.Escrow,
    milestones: list[store.Milestone],
    facts: EscrowFacts | None,
    *,
    ours: int,
) -> list[Found]:
    if facts is None:
        return [_found(Difference.ESCROW_MISSING, row, ours=ours)]
    found = []
    terms = (row.order_id, row.buyer_address, row.seller_address, row.amount)
    theirs = (facts.order_id, facts.buyer, facts.seller, facts.amount_stroops)
    if terms != theirs:
        found.append(
            _found(Difference.ESCROW_TERMS, row, ours=row.amount, theirs=facts.amount_stroops)
        )
    if facts.balance_stroops != ours:
        account = accounts.contract(row.order_id)
        found.append(
            Found(
                Difference.ASSET_BALANCE, "account", account, str(row.trustless_contract_id),
                ours=ours, theirs=facts.balance_stroops, detail={"account": account},
            )
        )  # fmt: skip
    if not _states_agree(row, facts):
        found.append(_found(Difference.ESCROW_STATE, row, facts=facts))
    if row.kind == "MULTI_RELEASE":
        found += [
            _found(Difference.MILESTONE_STATE, row, facts=facts, milestone=ours_)
            for ours_, seen in zip(milestones, facts.milestones, strict=False)
            if not _milestones_agree(ours_, seen)
        ]
    return found


def _states_agree(row: store.Escrow, facts: EscrowFacts) -> bool:
    """Whether the contract's flags are ones that our state can have."""
    ended = facts.released or facts.resolved
    if row.status in {"RELEASED", "REFUNDED"}:
        return ended
    if row.kind == "MULTI_RELEASE":
        return not ended  # what is disputed is told by the milestones
    if row.status == "DISPUTED":
        return facts.disputed and not ended
    return not ended and not facts.disputed


def _milestones_agree(ours: store.Milestone, seen: MilestoneFacts) -> bool:
    ended = seen.released or seen.resolved
    if ours.status in {"RELEASED", "REFUNDED"}:
        return ended
    return not ended and seen.disputed == (ours.status == "DISPUTED")


def _unknown(ctx: Context, section: Section) -> None:
    """Contracts that our wallet deployed and that are not ours."""
    before = under_way()
    try:
        deployed = ctx.app.escrows.deployed_by(ctx.app.platform_keys.treasury.address)
    except ProviderFailure as failure:
        section.failed("deployed contracts", failure)
        return
    after = under_way()
    if not deployed.complete:
        section.notes.append(f"only {len(deployed.orders)} deployed contracts were listed")
    with connection():
        ours: set[str] = set()
        for part in comparisons.chunks(list(deployed.orders)):
            ours |= store.own_contracts(part)
    for contract_id, order_id in deployed.orders.items():
        if contract_id in ours:
            continue
        if _is_busy(order_id, before) or _is_busy(order_id, after):
            section.moving += 1
            continue
        section.found.append(
            Found(
                Difference.ESCROW_UNKNOWN, "contract", contract_id, "trustless_work",
                detail={"order_id": order_id},
            )
        )  # fmt: skip


def _found(
    kind: Difference,
    row: store.Escrow,
    *,
    ours: int | None = None,
    theirs: int | None = None,
    facts: EscrowFacts | None = None,
    milestone: store.Milestone | None = None,
) -> Found:
    detail: dict[str, object] = {
        "order_id": row.order_id,
        "contract_id": row.trustless_contract_id,
        "status": row.status if milestone is None else milestone.status,
    }
    if milestone is not None:
        detail["milestone_ref"] = milestone.milestone_ref
    if facts is not None:
        detail |= {
            "released": facts.released,
            "resolved": facts.resolved,
            "disputed": facts.disputed,
        }
    return Found(kind, "escrow", row.id, "trustless_work", ours=ours, theirs=theirs, detail=detail)

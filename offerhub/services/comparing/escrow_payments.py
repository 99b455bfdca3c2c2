"""What funded an escrow and what paid it out, each by its transaction: on chain, once, as booked.

Trustless Work tells no hashes, so the chain is asked about those that we keep; what the contract
holds and says now is compared elsewhere (`contracts`).
"""

from offerhub.domain.differences import Difference
from offerhub.ports.chain import TransactionOutcome
from offerhub.ports.errors import ProviderFailure
from offerhub.services.comparing import lagging
from offerhub.services.comparing.findings import Found, Section
from offerhub.services.comparing.rounds import Round
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store.database import connection
from offerhub.store.orders import Escrow

CALLS_EACH = 4  # two transactions, each with its operations
NAME = "escrow payments on chain"


def compare(ctx: Context, *, since: int, calls: int) -> Section:
    """Escrows that changed since a moment, then others in their turn, within `calls` of Horizon.

    Not inside a transaction. A transaction is on chain for ever, and its hash is written with its
    effect, so nothing moves here while it is looked at; only a reader may not show it yet.
    """
    section = Section(NAME)
    turn = Round("escrow_payments")
    limit = max(1, calls // CALLS_EACH)
    with connection():
        rows = comparisons.funded_escrows(since=since, after=turn.after, limit=limit)
        section.total = comparisons.count_funded_escrows()
        shared = comparisons.shared_funding()
    for row in rows:
        try:
            found = _judge(ctx, row)
        except ProviderFailure as failure:
            section.failed(row.id, failure)
            continue
        if found and lagging.is_fresh(ctx, row.updated_at):
            section.moving += 1
            continue
        section.checked += 1
        section.found += found
    section.found += [
        Found(
            Difference.PAYMENT_TWICE, "transaction", hash_, "books",
            detail={"escrows": count, "transaction_hash": hash_},
        )
        for hash_, count in shared
    ]  # fmt: skip
    own_turn = [row.id for row in rows if row.updated_at < since]
    turn.advance(ctx, own_turn, section, ended=len(rows) < limit)
    return section


def _judge(ctx: Context, row: Escrow) -> list[Found]:
    """At most one difference of each of the two: a second one would say the same."""
    found = []
    for what, hash_ in (("funding", row.fund_tx_hash), ("payout", row.release_tx_hash)):
        if hash_ is None:
            continue
        outcome = _applied(ctx, hash_)
        if outcome is None:
            found.append(_found(Difference.PAYMENT_MISSING, row, what, hash_))
            continue
        moved = _moved(row, what, outcome)
        if not _is_right(row, what, moved):
            found.append(_found(Difference.PAYMENT_DIFFERS, row, what, hash_, theirs=moved))
    return found


def _applied(ctx: Context, hash_: str) -> TransactionOutcome | None:
    """Raises: the provider's failures."""
    try:
        outcome = ctx.app.chain.transaction(hash_)
    except ValueError:  # no hash at all: somebody changed the row
        return None
    return outcome if outcome is not None and outcome.successful else None


def _moved(row: Escrow, what: str, outcome: TransactionOutcome) -> int:
    """Stroops into the contract from the buyer, or out of it to whomever."""
    contract = row.trustless_contract_id
    if what == "funding":
        return sum(
            one.amount_stroops
            for one in outcome.transfers
            if (one.source, one.destination) == (row.buyer_address, contract)
        )
    return sum(one.amount_stroops for one in outcome.transfers if one.source == contract)


def _is_right(row: Escrow, what: str, moved: int) -> bool:
    """The whole amount; a payout may hold dust as well, or be that of one milestone."""
    if what == "funding":
        return bool(moved == row.amount)
    if row.kind == "MULTI_RELEASE":
        return moved > 0
    return bool(moved >= row.amount)


def _found(
    kind: Difference, row: Escrow, what: str, hash_: str, *, theirs: int | None = None
) -> Found:
    return Found(
        kind, "escrow", row.id, "stellar", ours=row.amount, theirs=theirs,
        detail={
            "order_id": row.order_id, "contract_id": row.trustless_contract_id, "payment": what,
            "transaction_hash": hash_,
        },
    )  # fmt: skip

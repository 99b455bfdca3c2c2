"""Reads over whole tables for reconciliation: what a provider's list is held against.

Nothing here locks or writes. Not here: work that waits (`work_left`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from peewee import fn

from offerhub.store.database import execute
from offerhub.store.deposits import Deposit
from offerhub.store.inbox import InboxEvent
from offerhub.store.ledger import Entry, Transfer
from offerhub.store.operations import Operation, Step
from offerhub.store.orders import Escrow
from offerhub.store.topups import TopUp
from offerhub.store.users import Wallet
from offerhub.store.withdrawals import Withdrawal

CHUNK = 500


def topups_by_id() -> dict[str, TopUp]:
    """All top-ups that Airtm may know, with what a comparison needs of them."""
    query = TopUp.select(
        TopUp.id, TopUp.user_id, TopUp.status, TopUp.amount, TopUp.net_amount, TopUp.airtm_payin_id
    )
    return {row.id: row for row in query}


def payouts_by_id() -> dict[str, Withdrawal]:
    """All withdrawals to Airtm."""
    query = Withdrawal.select(
        Withdrawal.id, Withdrawal.user_id, Withdrawal.status, Withdrawal.amount,
        Withdrawal.airtm_payout_id,
    ).where(Withdrawal.destination_type == "AIRTM_BALANCE")  # fmt: skip
    return {row.id: row for row in query}


def paid_on_chain(*, since: int, after: str, limit: int) -> list[Withdrawal]:
    """Withdrawals paid on chain: those changed since a moment, then others by id after one."""
    paid = (Withdrawal.status == "WITHDRAWAL_COMPLETED") & (Withdrawal.destination_type == "CRYPTO")
    fresh = list(
        Withdrawal.select()
        .where(paid & (Withdrawal.updated_at >= since))
        .order_by(Withdrawal.updated_at)
        .limit(limit)
    )
    others = (
        Withdrawal.select()
        .where(paid & (Withdrawal.updated_at < since) & (Withdrawal.id > after))
        .order_by(Withdrawal.id)
        .limit(max(0, limit - len(fresh)))
    )
    return [*fresh, *others]


def count_paid_on_chain() -> int:
    return int(
        Withdrawal.select()
        .where(
            (Withdrawal.status == "WITHDRAWAL_COMPLETED")
            & (Withdrawal.destination_type == "CRYPTO")
        )
        .count()
    )


def shared_hashes() -> list[tuple[str, int]]:
    """Transactions that stand for more than one withdrawal, with how many."""
    query = (
        Withdrawal.select(Withdrawal.stellar_tx_hash, fn.COUNT(Withdrawal.id))
        .where(Withdrawal.stellar_tx_hash.is_null(False))
        .group_by(Withdrawal.stellar_tx_hash)
        .having(fn.COUNT(Withdrawal.id) > 1)
        .limit(100)
    )
    rows: Any = query.tuples()
    return [(hash_, int(count)) for hash_, count in rows]


def funded_escrows(*, since: int, after: str, limit: int) -> list[Escrow]:
    """Escrows that were funded: those changed since a moment, then others by id after one."""
    funded = Escrow.fund_tx_hash.is_null(False)
    fresh = list(
        Escrow.select()
        .where(funded & (Escrow.updated_at >= since))
        .order_by(Escrow.updated_at)
        .limit(limit)
    )
    others = (
        Escrow.select()
        .where(funded & (Escrow.updated_at < since) & (Escrow.id > after))
        .order_by(Escrow.id)
        .limit(max(0, limit - len(fresh)))
    )
    return [*fresh, *others]


def count_funded_escrows() -> int:
    return int(Escrow.select().where(Escrow.fund_tx_hash.is_null(False)).count())


def shared_funding() -> list[tuple[str, int]]:
    """Transactions that stand for the funding of more than one escrow, with how many."""
    query = (
        Escrow.select(Escrow.fund_tx_hash, fn.COUNT(Escrow.id))
        .where(Escrow.fund_tx_hash.is_null(False))
        .group_by(Escrow.fund_tx_hash)
        .having(fn.COUNT(Escrow.id) > 1)
        .limit(100)
    )
    rows: Any = query.tuples()
    return [(hash_, int(count)) for hash_, count in rows]


def active_wallets(*, after: str, limit: int) -> list[Wallet]:
    """Active wallets by id after one."""
    query = Wallet.select().where((Wallet.status == "ACTIVE") & (Wallet.id > after))
    return list(query.order_by(Wallet.id).limit(limit))


def wallets_moved(*, since: int, limit: int) -> list[Wallet]:
    """Active wallets whose account in the books has entries since a moment."""
    query = (
        Entry.select(Entry.account)
        .where((Entry.created_at >= since) & Entry.account.startswith("stellar.wallet:"))
        .distinct()
        .order_by(Entry.account)
        .limit(limit)
    )
    users = [row.account.split(":", 1)[1] for row in query]
    found: list[Wallet] = []
    for part in chunks(users):
        found.extend(Wallet.select().where((Wallet.status == "ACTIVE") & Wallet.user_id.in_(part)))
    return found


def count_active_wallets() -> int:
    return int(Wallet.select().where(Wallet.status == "ACTIVE").count())


def step_by_hash(tx_hash: str) -> tuple[Step, Operation] | None:
    """Which step of which operation made a transaction."""
    step = Step.get_or_none(Step.tx_hash == tx_hash)
    if step is None:
        return None
    return step, Operation.get_by_id(step.operation_id)


def transactions_under_way() -> list[str]:
    """Hashes of what was signed and has no outcome in our records yet."""
    query = Step.select(Step.tx_hash).where(
        Step.status.in_(("PREPARED", "UNKNOWN")) & Step.tx_hash.is_null(False)
    )
    return [row.tx_hash for row in query if row.tx_hash is not None]


def deposits_since(wallet_id: str, *, since: int) -> list[Deposit]:
    """What was credited to a wallet by readings since a moment."""
    query = Deposit.select().where(
        (Deposit.wallet_id == wallet_id)
        & (Deposit.status == "CREDITED")
        & (Deposit.created_at >= since)
    )
    return list(query)


def recorded_movements(wallet_id: str) -> set[tuple[str, int]]:
    """(operation id, change index) of everything that was read for a wallet."""
    query = Deposit.select(Deposit.operation_id, Deposit.change_index).where(
        Deposit.wallet_id == wallet_id
    )
    return {(row.operation_id, row.change_index) for row in query}


def escrows_to_compare(*, since: int) -> list[Escrow]:
    """Escrows with a contract that have not ended, or ended since a moment."""
    ended = ("RELEASED", "REFUNDED")
    query = Escrow.select().where(
        Escrow.trustless_contract_id.is_null(False)
        & (Escrow.status != "FAILED")
        & (Escrow.status.not_in(ended) | (Escrow.updated_at >= since))
    )
    return list(query.order_by(Escrow.id))


def announced(codes: Sequence[str]) -> set[tuple[str, str]]:
    """(code, event type) of the webhooks that were received about these."""
    found: set[tuple[str, str]] = set()
    for part in chunks(list(codes)):
        query = InboxEvent.select(InboxEvent.code, InboxEvent.event_type).where(
            InboxEvent.code.in_(part)
        )
        found |= {(row.code, row.event_type) for row in query if row.code is not None}
    return found


_TOPUPS_BOOKED_WRONG = """
SELECT t.id, t.user_id,
       CASE WHEN t.status = 'TOPUP_SUCCEEDED' THEN COALESCE(t.net_amount, 0) ELSE 0 END AS due,
       COALESCE(e.amount, 0) AS booked
FROM topups t
LEFT JOIN transfers x ON x.reference = 'topup_credited:' || t.id
LEFT JOIN entries e ON e.transfer_id = x.id AND e.account = 'airtm.treasury'
WHERE CASE WHEN t.status = 'TOPUP_SUCCEEDED' THEN COALESCE(t.net_amount, 0) ELSE 0 END
      <> COALESCE(e.amount, 0)
LIMIT 100"""

_WITHDRAWALS_BOOKED_WRONG = """
SELECT w.id, w.user_id, w.due, w.booked FROM (
  SELECT w.id, w.user_id,
         CASE WHEN w.status IN ('WITHDRAWAL_COMPLETED', 'WITHDRAWAL_FAILED', 'WITHDRAWAL_CANCELED')
              THEN w.amount ELSE 0 END AS due,
         COALESCE((SELECT SUM(e.amount) FROM transfers x JOIN entries e ON e.transfer_id = x.id
                   WHERE x.reference = CASE WHEN w.status = 'WITHDRAWAL_COMPLETED'
                                            THEN 'withdrawal_paid:' ELSE 'withdrawal_returned:' END
                                       || w.id
                     AND e.account = 'user:' || w.user_id || ':withdrawing'), 0) AS booked
  FROM withdrawals w) w
WHERE w.due <> w.booked
LIMIT 100"""


def booked_wrong() -> Iterator[tuple[str, str, str, int, int]]:
    """(what, id, user, due, booked) of top-ups and withdrawals whose end the books contradict.

    due and booked are stroops.
    """
    for what, statement in (
        ("topup", _TOPUPS_BOOKED_WRONG),
        ("withdrawal", _WITHDRAWALS_BOOKED_WRONG),
    ):
        for id_, user_id, due, booked in execute(statement).fetchall():
            yield what, id_, user_id, int(due), int(booked)


def posted(kind: str) -> set[str]:
    """Business keys of everything that was posted of one kind of transfer."""
    query = Transfer.select(Transfer.reference).where(Transfer.kind == kind)
    return {row.reference.split(":", 1)[1] for row in query}


def chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]

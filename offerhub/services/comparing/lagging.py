"""What a reader that lags may still show of us: a place as it was a moment ago.

A reader of the chain stands on several replicas, a few ledgers apart, and Trustless Work keeps an
index of the chain. The engine has seen an outcome on one; the comparison may ask another. What is
shown then is an earlier state of ours and no difference, until the replicas had time to meet.
"""

from collections.abc import Iterator
from typing import Final

from offerhub.ledger import journal
from offerhub.services.context import Context
from offerhub.store.database import snapshot

AIRTM_LAG_MS: Final = 60_000  # what Airtm has just made or changed need not be found at once


def is_fresh(ctx: Context, changed_at_ms: int) -> bool:
    """Whether something changed so lately that a replica need not show it yet."""
    return ctx.now_ms() - changed_at_ms < ctx.app.policy.replica_margin_s * 1000


def held_lately(ctx: Context, account: str, stroops: int) -> bool:
    """Whether, by the books, a place held exactly this a moment ago. Not inside a transaction."""
    since = ctx.now_ms() - ctx.app.policy.replica_margin_s * 1000
    with snapshot():
        return stroops in set(_balances_since(account, since_ms=since))


def _balances_since(account: str, *, since_ms: int) -> Iterator[int]:
    """The account's earlier balances, back to a moment; not the one that it has now."""
    balance = journal.balance(account)
    for amount in journal.amounts_since(account, since_ms=since_ms):
        balance -= amount
        yield balance

"""Deposits: USDC that reached a wallet on chain, credited once per movement.

The wallet's cursor is saved in the transaction that credits; a crash re-reads, and the unique key
of the movement absorbs what was read before. Our own movements are recognised and not credited
twice: they were posted by the operation that made them.
"""

from collections.abc import Callable
from functools import partial

import structlog

from offerhub.domain import ids
from offerhub.ledger import journal, transfers
from offerhub.ports.chain import Incoming, LedgerHead
from offerhub.ports.errors import ProviderFailure
from offerhub.services import audit, history
from offerhub.services.announcements import announce
from offerhub.services.context import Context
from offerhub.services.history import TREASURY_CHECKED, TREASURY_CURSOR
from offerhub.services.orders import balance_event
from offerhub.store import deposits as store
from offerhub.store import leases
from offerhub.store import operations as operations_store
from offerhub.store import orders as orders_store
from offerhub.store import users as users_store
from offerhub.store.database import atomic, connection
from offerhub.store.failures import is_passing, is_unavailable

log = structlog.get_logger(__name__)

NOTED_EVERY_LEDGERS = 100  # a quiet treasury need not be written down at every look
PAGE = 200
REPLICA_LAG_LEDGERS = 5  # replicas of a provider differ by a ledger or two


def read_due(ctx: Context, *, limit: int = 50) -> int:
    """Read on for every wallet that is due; how many movements were recorded. Commits each.

    A wallet whose history cannot be read now is read again at its next turn and holds up no other:
    anybody can send things to a wallet.
    """
    now = ctx.now_ms()
    recorded = _guarded(ctx, "treasury", lambda: read_treasury(ctx))
    with connection():
        wallets = users_store.wallets_to_read(
            now=now, idle_before=now - ctx.app.policy.deposit_poll_ms, limit=limit
        )
    for wallet in wallets:
        recorded += _guarded(ctx, wallet.id, partial(read_wallet, ctx, wallet.id))
    return recorded


def _guarded(ctx: Context, wallet_id: str, read: Callable[[], int]) -> int:
    try:
        return read()
    except Exception as error:
        if is_unavailable(error) and not is_passing(error):
            raise
        if isinstance(error, ProviderFailure):
            history.notice(ctx, error)
            log.warning("deposits.postponed", wallet_id=wallet_id, error=error.message)
        else:
            log.exception("deposits.fault", wallet_id=wallet_id)
    with atomic():
        users_store.note_checked(wallet_id, now=ctx.now_ms())
    return 0


def read_wallet(ctx: Context, wallet_id: str) -> int:
    """Credit what reached one wallet since its cursor; how many movements. Commits per page."""
    recorded = 0
    while True:
        with connection():
            wallet = users_store.Wallet.get_by_id(wallet_id)
        head = ctx.app.chain.head()
        history.require_whole(
            ctx, head, reading=wallet_id, cursor=wallet.cursor,
            checked_through=wallet.checked_through_ledger,
        )  # fmt: skip
        page = ctx.app.chain.incoming(wallet.address, cursor=wallet.cursor, limit=PAGE)
        with atomic():
            locked = users_store.wallet_for_update(wallet_id)
            if locked is None or int(locked.cursor) > int(wallet.cursor):
                return recorded  # another reader is ahead
            for movement in page.records:
                recorded += _record(ctx, movement, wallet=locked)
            locked.cursor = page.last_cursor
            locked.checked_at = ctx.now_ms()
            if not page.full:
                through = read_through(head)
                locked.checked_through_ledger = max(locked.checked_through_ledger, through)
            locked.save(only=["cursor", "checked_at", "checked_through_ledger"])
        if not page.full:
            return recorded


def read_through(head: LedgerHead) -> int:
    """The ledger up to which a history that was just read to its end is known.

    Never one before the history begins: on a network a few ledgers old that would look, at the
    next turn, as if the ledgers in between had been pruned unread.
    """
    return max(head.sequence - REPLICA_LAG_LEDGERS, head.oldest_sequence - 1)


def read_treasury(ctx: Context) -> int:
    """Post what the operator paid into the platform's own wallet; how many movements. Commits."""
    address = ctx.app.platform_keys.treasury.address
    with connection():
        cursor = str(leases.flag(TREASURY_CURSOR) or "0")
        checked_through = int(str(leases.flag(TREASURY_CHECKED) or 0))
    head = ctx.app.chain.head()
    history.require_whole(
        ctx, head, reading="treasury", cursor=cursor, checked_through=checked_through
    )
    page = ctx.app.chain.incoming(address, cursor=cursor, limit=PAGE)
    through = read_through(head)
    if page.last_cursor == cursor:
        if through >= checked_through + NOTED_EVERY_LEDGERS:
            with atomic():
                leases.set_flag(TREASURY_CHECKED, through, now=ctx.now_ms())
        return 0
    recorded = 0
    with atomic():
        if not leases.advance_cursor(
            TREASURY_CURSOR, seen=cursor, to=page.last_cursor, now=ctx.now_ms()
        ):
            return 0
        for movement in page.records:
            recorded += _record(ctx, movement, wallet=None)
        if not page.full:
            leases.set_flag(TREASURY_CHECKED, max(checked_through, through), now=ctx.now_ms())
    return recorded


def _record(ctx: Context, movement: Incoming, *, wallet: users_store.Wallet | None) -> int:
    reason = reason_not_credited(ctx, movement)
    deposit_id = ids.new_id(ids.DEPOSIT)
    inserted = store.insert(
        {
            "id": deposit_id,
            "wallet_id": wallet.id if wallet else "treasury",
            "user_id": wallet.user_id if wallet else None,
            "operation_id": movement.operation_id,
            "change_index": movement.change_index,
            "transaction_hash": movement.transaction_hash,
            "source_address": movement.source,
            "amount": movement.amount_stroops,
            "asset": movement.asset,
            "kind": movement.kind,
            "memo": movement.memo,
            "status": "IGNORED" if reason else "CREDITED",
            "reason": reason,
            "occurred_at": movement.occurred_at_ms,
            "created_at": ctx.now_ms(),
        }
    )
    if not inserted:
        return 0
    if reason is None:
        _credit(ctx, movement, deposit_id=deposit_id, wallet=wallet)
    else:
        log.info("deposit.ignored", reason=reason, transaction_hash=movement.transaction_hash)
    return 1


def _credit(
    ctx: Context, movement: Incoming, *, deposit_id: str, wallet: users_store.Wallet | None
) -> None:
    key = f"{movement.operation_id}.{movement.change_index}"
    after = {"amount_stroops": movement.amount_stroops, "hash": movement.transaction_hash}
    if wallet is None:
        journal.post(
            transfers.treasury_funded(
                deposit_key=key, deposit_id=deposit_id, amount=movement.amount_stroops
            ),
            now_ms=ctx.now_ms(),
        )
        audit.record(
            ctx, action="treasury.funded", resource_type="treasury", resource_id=deposit_id,
            after=after,
        )  # fmt: skip
        return
    posted = journal.post(
        transfers.deposit_credited(
            deposit_key=key,
            deposit_id=deposit_id,
            user_id=wallet.user_id,
            amount=movement.amount_stroops,
        ),
        now_ms=ctx.now_ms(),
    )
    audit.record(
        ctx, action="deposit.credited", resource_type="user", resource_id=wallet.user_id,
        after=after,
    )  # fmt: skip
    announce(
        ctx,
        balance_event(
            "balance.credited", wallet.user_id, movement.amount_stroops, posted.transfer_id,
            "deposit", deposit_id,
        ),
    )  # fmt: skip


def reason_not_credited(ctx: Context, movement: Incoming) -> str | None:
    """Why a movement is recorded but not credited."""
    if not movement.usdc:
        return "another asset"
    if movement.amount_stroops <= 0:
        return "nothing moved"
    keys = ctx.app.platform_keys
    if movement.source in {keys.treasury.address, keys.release.address, keys.resolver.address}:
        return "from the platform's own wallet"
    if operations_store.own_hashes([movement.transaction_hash]):
        return "posted by its own operation"
    if orders_store.own_contracts([movement.source]):
        return "paid by an escrow of ours"
    if users_store.owned_addresses([movement.source]):
        return "from another wallet of ours"
    return None

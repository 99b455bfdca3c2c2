"""Why a wallet differs: its whole history on chain against what we know of it.

Read only for wallets that were found to differ. What cannot be explained stays a difference of
the balance.
"""

from offerhub.domain.differences import Difference
from offerhub.ledger import accounts
from offerhub.ports.chain import Incoming
from offerhub.services import deposits
from offerhub.services.comparing.findings import Found
from offerhub.services.context import Context
from offerhub.store import comparisons
from offerhub.store import operations as operations_store
from offerhub.store import users as store
from offerhub.store import withdrawals as withdrawals_store
from offerhub.store.database import atomic, connection

MAX_PAGES = 50
PAGE = 200


def explain(ctx: Context, wallet: store.Wallet, *, ours: int, theirs: int) -> list[Found]:
    """Payments that we did not make, deposits that were passed over, and what is then left.

    Not inside a transaction. Raises: provider failures.
    """
    found = strange_payments(ctx, wallet.address, user_id=wallet.user_id)
    left = theirs - ours + sum(one.theirs or 0 for one in found)
    passed_over = _passed_over(ctx, wallet)
    for movement in passed_over:
        left -= movement.amount_stroops
        found.append(
            Found(
                Difference.DEPOSIT_UNCREDITED, "wallet", wallet.id, wallet.address, ours=0,
                theirs=movement.amount_stroops, user_ids=(wallet.user_id,),
                detail={"transaction_hash": movement.transaction_hash},
                repair=lambda: _read_again(ctx, wallet.id, passed_over),
            )
        )  # fmt: skip
    if left != 0:
        account = accounts.wallet(wallet.user_id)
        found.append(
            Found(
                Difference.ASSET_BALANCE, "user", wallet.user_id, wallet.address, ours=ours,
                theirs=theirs, detail={"account": account}, user_ids=(wallet.user_id,),
            )
        )  # fmt: skip
    return found


def strange_payments(ctx: Context, address: str, *, user_id: str | None) -> list[Found]:
    """USDC that left an address by a transaction that is not ours, or not the one we booked."""
    found = []
    people = (user_id,) if user_id else ()
    for one in _everything(ctx, address):
        with connection():
            made = comparisons.step_by_hash(one.transaction_hash)
            other = _paid_otherwise(made) if made else None
        if made is not None and other is None:
            continue
        subject = user_id or address
        found.append(
            Found(
                Difference.PAYMENT_TWICE if other else Difference.PAYMENT_UNKNOWN,
                "withdrawal" if other else "wallet", other or subject, address, ours=0,
                theirs=one.amount_stroops, user_ids=people,
                detail={
                    "transaction_hash": one.transaction_hash, "destination": one.destination,
                },
            )
        )  # fmt: skip
    return found


def _paid_otherwise(
    made: tuple[operations_store.Step, operations_store.Operation],
) -> str | None:
    """The withdrawal whose booked payment is another transaction than this one of its own."""
    step, operation = made
    if operation.kind != "withdrawal.chain" or step.name != "pay":
        return None
    row = withdrawals_store.get(operation.subject_id)
    return row.id if row is not None and row.stellar_tx_hash != step.tx_hash else None


def _everything(ctx: Context, address: str) -> list[Incoming]:
    cursor, left = "0", []
    for _ in range(MAX_PAGES):
        page = ctx.app.chain.outgoing(address, cursor=cursor, limit=PAGE)
        left += [one for one in page.records if one.usdc and one.amount_stroops > 0]
        if not page.full:
            break
        cursor = page.last_cursor
    return left


def _passed_over(ctx: Context, wallet: store.Wallet) -> list[Incoming]:
    """What reached the wallet, is before the reader's position, and was never recorded."""
    with connection():
        known = comparisons.recorded_movements(wallet.id)
        position = int(store.Wallet.get_by_id(wallet.id).cursor)
    cursor, missing = "0", []
    for _ in range(MAX_PAGES):
        page = ctx.app.chain.incoming(wallet.address, cursor=cursor, limit=PAGE)
        missing += [
            one
            for one in page.records
            if int(one.cursor) <= position
            and one.usdc
            and (one.operation_id, one.change_index) not in known
        ]
        if not page.full:
            break
        cursor = page.last_cursor
    with connection():
        return [one for one in missing if deposits.reason_not_credited(ctx, one) is None]


def _read_again(ctx: Context, wallet_id: str, missing: list[Incoming]) -> bool:
    """Set the reader back to before the first one, and read: each movement is credited once."""
    before = str(min(int(one.cursor) for one in missing) - 1)
    with atomic():
        wallet = store.wallet_for_update(wallet_id)
        if wallet is None:
            return False
        if int(wallet.cursor) > int(before):
            wallet.cursor = before
            wallet.save(only=["cursor"])
    deposits.read_wallet(ctx, wallet_id)
    with connection():
        known = comparisons.recorded_movements(wallet_id)
    return all((one.operation_id, one.change_index) in known for one in missing)

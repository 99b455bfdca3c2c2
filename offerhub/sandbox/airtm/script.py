"""What control does to the Airtm half beyond Airtm's own life cycles, and the dump of it."""

from typing import Any

from offerhub.sandbox.airtm import account, amounts, balances, payins, payouts
from offerhub.sandbox.airtm.states import FINAL_STATUSES
from offerhub.sandbox.airtm.users import NewUser, create_user, find
from offerhub.sandbox.airtm.world import AirtmWorld
from offerhub.sandbox.clock import iso

DUMP_LIMIT = 100_000


class CannotShow(ValueError):
    """A status that means money, which only its action may reach."""


def show_payin_status(world: AirtmWorld, payin_id: str, status: str) -> None:
    """Make Airtm show this status, known or not, and stop its progress until the next action.

    Raises: CannotShow.
    """
    _refuse_final(status)
    payin = payins.get(world, payin_id)
    _show(world, "airtm_payins", payin_id, status, updated_at=payin["updated_at"])


def show_payout_status(
    world: AirtmWorld,
    payout_id: str,
    status: str,
    *,
    reason_code: str | None = None,
    reason: str | None = None,
) -> None:
    """As `show_payin_status`, for a payout, with a reason. Raises: CannotShow."""
    _refuse_final(status)
    payout = payouts.get(world, payout_id)
    with world.store.transaction():
        _show(world, "airtm_payouts", payout_id, status, updated_at=payout["updated_at"])
        world.store.execute(
            "UPDATE airtm_payouts SET reason_code = ?, reason_description = ? WHERE id = ?",
            (reason_code, reason, payout_id),
        )


def resume_waiting_payouts(world: AirtmWorld, user_id: str) -> int:
    """Let PENDING payouts go on after their recipient did what was asked; returns how many."""
    with world.store.transaction():
        waiting = world.store.query(
            "SELECT * FROM airtm_payouts WHERE user_id = ? AND status = 'PENDING' LIMIT 1000",
            (user_id,),
        )
        for payout in waiting:
            payouts.step(world, payout, "process")
    return len(waiting)


def credit_wallet(world: AirtmWorld, user_id: str, *, amount_stroops: int) -> None:
    """Put play money into a user's own wallet."""
    balances.move(
        world,
        source=balances.OUTSIDE,
        target=balances.wallet_of(user_id),
        stroops=amount_stroops,
    )


def enterprise_balance(world: AirtmWorld) -> dict[str, int]:
    """Available and pending, in stroops."""
    return {
        "available": balances.balance_of(world, balances.AVAILABLE),
        "pending": balances.balance_of(world, balances.PENDING),
    }


def seed(world: AirtmWorld, *, new_users: tuple[NewUser, ...], available_stroops: int) -> None:
    """Give a new state file its users and its first money; later starts change nothing."""
    with world.store.transaction():
        fresh = world.store.execute("UPDATE airtm_identity SET seeded = 1 WHERE seeded = 0")
        if not fresh:
            return
        for user in new_users:
            if find(world, user.email) is None:
                create_user(world, user)
        if available_stroops:
            account.deposit(world, amount_stroops=available_stroops)


def dump(world: AirtmWorld) -> dict[str, Any]:
    """The enterprise account as a comparison needs it; amounts are decimal text."""
    held = enterprise_balance(world)
    all_of = balances.all_balances(world)
    return {
        "available": amounts.text(held["available"]),
        "pending": amounts.text(held["pending"]),
        "withdrawing": amounts.text(all_of[balances.WITHDRAWING]),
        "airtm_fees": amounts.text(all_of[balances.AIRTM_FEES]),
        "sum_of_all_balances": amounts.text(sum(all_of.values())),
        "payins": _rows(world, "airtm_payins", _PAYIN_COLUMNS),
        "payouts": _rows(world, "airtm_payouts", _PAYOUT_COLUMNS),
        "deposits": _rows(world, "airtm_deposits", _DEPOSIT_COLUMNS),
        "withdrawals": _rows(world, "airtm_withdrawals", _WITHDRAWAL_COLUMNS),
    }


_PAYIN_COLUMNS = ("id", "code", "status", "amount", "net_amount", "airtm_fee", "user_email")
_PAYOUT_COLUMNS = (
    "id",
    "code",
    "status",
    "gross_amount",
    "amount",
    "net_amount",
    "airtm_fee",
    "enterprise_fee",
    "user_email",
)
_DEPOSIT_COLUMNS = ("id", "type", "amount", "refunded_payout_id")
_WITHDRAWAL_COLUMNS = ("id", "status", "amount", "payment_rail", "stellar_tx_hash")
_MONEY_COLUMNS = {"amount", "net_amount", "gross_amount", "airtm_fee", "enterprise_fee"}


def _rows(world: AirtmWorld, table: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = world.store.query(
        f"SELECT * FROM {table} ORDER BY seq LIMIT ?",  # noqa: S608
        (DUMP_LIMIT,),
    )
    return [
        {
            **{
                name: amounts.text(row[name]) if name in _MONEY_COLUMNS else row[name]
                for name in columns
            },
            "created_at": iso(row["created_at"]),
        }
        for row in rows
    ]


def _show(world: AirtmWorld, table: str, item_id: str, status: str, *, updated_at: int) -> None:
    with world.store.transaction():
        world.store.execute(
            f"UPDATE {table} SET shown_status = ?, due_at = NULL, updated_at = ?"  # noqa: S608
            " WHERE id = ?",
            (status, max(world.clock.now_ms(), updated_at + 1), item_id),
        )


def _refuse_final(status: str) -> None:
    if status in FINAL_STATUSES:
        raise CannotShow(f"{status} moves money: use the action that leads to it")

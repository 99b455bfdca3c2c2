"""Balances and statements of users, read from the books."""

from typing import Any

from offerhub.ledger import accounts
from offerhub.services import representations as show
from offerhub.services.context import Context, Page
from offerhub.services.users import require
from offerhub.store import ledger as store
from offerhub.store.database import connection


def get_balance(ctx: Context, user_id: str) -> dict[str, Any]:
    """Available, reserved and withdrawing, read in one statement. Raises: USER_NOT_FOUND."""
    with connection():
        require(user_id)
        names = {kind: accounts.user(user_id, kind) for kind in accounts.USER_KINDS}
        found = store.balances(list(names.values()))
        return show.balance(
            user_id,
            available=found.get(names[accounts.AVAILABLE], 0),
            reserved=found.get(names[accounts.RESERVED], 0),
            withdrawing=found.get(names[accounts.WITHDRAWING], 0),
            as_of_ms=ctx.now_ms(),
        )


def statement(ctx: Context, user_id: str, *, limit: int = 20, cursor: str | None = None) -> Page:
    """Entries of the user's accounts, newest first, each with its transfer and cause.

    Raises: USER_NOT_FOUND, VALIDATION_ERROR for a foreign cursor.
    """
    with connection():
        require(user_id)
        rows = store.statement(user_id, limit=limit, cursor=cursor)
        return Page(
            [
                show.ledger_line(
                    entry,
                    account=accounts.kind(entry.account),
                    amount=accounts.sign(entry.account) * entry.amount,
                )
                for entry in rows.rows
            ],
            rows.next_cursor,
        )

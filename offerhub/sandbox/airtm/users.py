"""Airtm users: people with a wallet of their own, found by any of their e-mail addresses."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from offerhub.sandbox.airtm import balances
from offerhub.sandbox.airtm.errors import AirtmError
from offerhub.sandbox.airtm.world import AirtmWorld, new_id

UNITED_STATES = frozenset({"USA", "PRI"})


@dataclass(frozen=True)
class NewUser:
    """An Airtm user to create. wallet_stroops: what the wallet holds at the start."""

    email: str
    aliases: tuple[str, ...] = ()
    status: str = "active"
    is_verified: bool = True
    first_name: str | None = None
    last_name: str | None = None
    country: str | None = None
    wallet_stroops: int = 0


class EmailTaken(Exception):
    """Another user has this address."""


def create_user(world: AirtmWorld, user: NewUser) -> str:
    """Create a user and return the id; an address known only as a payout recipient is registered.

    Raises: EmailTaken.
    """
    with world.store.transaction():
        waiting = find(world, user.email)
        if waiting is not None and waiting["status"] != "unregistered":
            raise EmailTaken(user.email)
        user_id = str(waiting["id"]) if waiting else new_id()
        world.store.execute(
            "INSERT INTO airtm_users VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET status = excluded.status,"
            " is_verified = excluded.is_verified, first_name = excluded.first_name,"
            " last_name = excluded.last_name, country = excluded.country",
            (
                user_id,
                user.status,
                user.is_verified,
                user.first_name,
                user.last_name,
                user.country,
                world.clock.now_ms(),
            ),
        )
        _name_emails(world, user_id, user, known=waiting is not None)
        balances.move(
            world,
            source=balances.OUTSIDE,
            target=balances.wallet_of(user_id),
            stroops=user.wallet_stroops,
        )
    return user_id


def _name_emails(world: AirtmWorld, user_id: str, user: NewUser, *, known: bool) -> None:
    fresh = user.aliases if known else (user.email, *user.aliases)
    for email in fresh:
        if find(world, email) is not None:
            raise EmailTaken(email)
        world.store.execute(
            "INSERT INTO airtm_emails VALUES (?, ?, ?)",
            (_key(email), user_id, _key(email) == _key(user.email)),
        )


def change_user(world: AirtmWorld, user_id: str, changes: dict[str, Any]) -> None:
    """Set columns of a user; the caller has validated names and values."""
    with world.store.transaction():
        for column, value in changes.items():
            world.store.execute(
                f"UPDATE airtm_users SET {column} = ? WHERE id = ?",  # noqa: S608
                (value, user_id),
            )


def find(world: AirtmWorld, email: str) -> sqlite3.Row | None:
    """The user with this address, unregistered recipients included, or None."""
    return world.store.one(
        "SELECT u.*, e.email, e.is_primary FROM airtm_users u JOIN airtm_emails e"
        " ON e.user_id = u.id WHERE e.email = ?",
        (_key(email),),
    )


def find_by_id(world: AirtmWorld, user_id: str) -> sqlite3.Row:
    row = world.store.one("SELECT * FROM airtm_users WHERE id = ?", (user_id,))
    if row is None:
        raise LookupError(user_id)
    return row


def recipient(world: AirtmWorld, email: str) -> sqlite3.Row:
    """The user a payout goes to. Raises: AirtmError 415059, 415009 or 415103."""
    user = find(world, email)
    if user is None or user["status"] == "unregistered":
        if not world.knobs.payout_to_unknown_email:
            raise AirtmError("415059", "The recipient was not found.")
        return user or _wait_for_registration(world, email)
    if user["status"] != "active":
        raise AirtmError("415009", "The recipient's account is inactive.")
    if not user["first_name"] or not user["last_name"]:
        raise AirtmError("415103", "The recipient's account has no full name.")
    return user


def _wait_for_registration(world: AirtmWorld, email: str) -> sqlite3.Row:
    create_user(world, NewUser(email=email, status="unregistered", is_verified=False))
    user = find(world, email)
    if user is None:
        raise LookupError(email)
    return user


def answer(user: sqlite3.Row) -> dict[str, Any]:
    """The body of `GET /users/{email}`."""
    body: dict[str, Any] = {
        "id": user["id"],
        "status": user["status"],
        "primaryEmail": bool(user["is_primary"]),
        "isVerified": bool(user["is_verified"]),
    }
    optional = {"firstName": "first_name", "lastName": "last_name", "country": "country"}
    body.update({name: user[column] for name, column in optional.items() if user[column]})
    return body


def list_users(world: AirtmWorld) -> list[dict[str, Any]]:
    """Every registered user with address, wallet and state, for control and the checkout page."""
    rows = world.store.query(
        "SELECT u.*, e.email, e.is_primary FROM airtm_users u JOIN airtm_emails e"
        " ON e.user_id = u.id WHERE e.is_primary AND u.status <> 'unregistered'"
        " ORDER BY u.created_at, e.email LIMIT 1000"
    )
    return [
        {
            **answer(row),
            "email": row["email"],
            "wallet_stroops": balances.balance_of(world, balances.wallet_of(row["id"])),
        }
        for row in rows
    ]


def _key(email: str) -> str:
    return email.strip().lower()

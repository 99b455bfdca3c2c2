"""Users and their invisible wallets."""

from peewee import BooleanField, CharField, IntegerField, TextField

from offerhub.store.database import for_update
from offerhub.store.fields import JSONText, Millis, Table
from offerhub.store.paging import Rows, page
from offerhub.store.statements import Statement, given


class User(Table):
    id = CharField(primary_key=True)
    external_user_id = CharField(unique=True)
    type = CharField()
    status = CharField()
    email = CharField(null=True)
    metadata = JSONText()
    airtm_user_id = CharField(null=True, unique=True)
    airtm_email = CharField(null=True)
    airtm_verified = BooleanField(null=True)
    airtm_country = CharField(null=True)
    airtm_linked_at = Millis(null=True)
    version = IntegerField(default=1)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "users"


class Wallet(Table):
    """`cursor` is the chain reader's position: all up to it has been credited or recorded."""

    id = CharField(primary_key=True)
    user_id = CharField(unique=True)
    address = CharField(unique=True)
    sealed_key = TextField()
    kek_id = CharField()
    status = CharField()
    cursor = CharField()
    checked_through_ledger = IntegerField(default=0)
    checked_at = Millis(default=0)
    watch_until = Millis(default=0)
    created_at = Millis()
    updated_at = Millis()

    class Meta:
        table_name = "wallets"


_USER = Statement(lambda: User.select().where(User.id == given("user_id")), User)
_USERS = Statement(
    lambda: User.select().where((User.id == given("first")) | (User.id == given("second"))), User
)


def get(user_id: str) -> User | None:
    return _USER.first(user_id=user_id)


def both(user_id: str, other_id: str) -> tuple[User | None, User | None]:
    """Two users, in one statement."""
    found = {user.id: user for user in _USERS.rows(first=user_id, second=other_id)}
    return found.get(user_id), found.get(other_id)


def get_for_update(user_id: str) -> User | None:
    """Locks the user's row."""
    return for_update(User.select().where(User.id == user_id)).get_or_none()


def find_by_external_id(external_user_id: str) -> User | None:
    return User.get_or_none(User.external_user_id == external_user_id)


def find_by_airtm_id(airtm_user_id: str) -> User | None:
    return User.get_or_none(User.airtm_user_id == airtm_user_id)


def listed(
    *,
    limit: int,
    cursor: str | None,
    external_user_id: str | None = None,
    type_: str | None = None,
    status: str | None = None,
    airtm_user_id: str | None = None,
) -> Rows:
    query = User.select()
    if airtm_user_id is not None:
        query = query.where(User.airtm_user_id == airtm_user_id)
    if external_user_id is not None:
        query = query.where(User.external_user_id == external_user_id)
    if type_ is not None:
        query = query.where(User.type == type_)
    if status is not None:
        query = query.where(User.status == status)
    return page(query, limit=limit, cursor=cursor, by=User.created_at, tie=User.id)


def wallet_of(user_id: str) -> Wallet | None:
    return Wallet.get_or_none(Wallet.user_id == user_id)


def wallets_of(user_ids: list[str]) -> dict[str, Wallet]:
    """Wallets by user id, for a page of users."""
    return {w.user_id: w for w in Wallet.select().where(Wallet.user_id.in_(user_ids))}


def wallet_by_address(address: str) -> Wallet | None:
    return Wallet.get_or_none(Wallet.address == address)


def owned_addresses(addresses: list[str]) -> set[str]:
    """Which of these addresses are wallets of ours."""
    rows = Wallet.select(Wallet.address).where(Wallet.address.in_(addresses))
    return {row.address for row in rows}


def wallets_to_read(*, now: int, idle_before: int, limit: int) -> list[Wallet]:
    """Active wallets not looked at since `idle_before`; the watched ones always."""
    query = (
        Wallet.select()
        .where(
            (Wallet.status == "ACTIVE")
            & ((Wallet.checked_at <= idle_before) | (Wallet.watch_until > now))
        )
        .order_by(Wallet.checked_at)
        .limit(limit)
    )
    return list(query)


def note_checked(wallet_id: str, *, now: int) -> None:
    """A look that failed counts as one, so that the other wallets have their turn."""
    Wallet.update(checked_at=now).where(Wallet.id == wallet_id).execute()


def wallet_of_for_update(user_id: str) -> Wallet | None:
    """Locks the row of a user's wallet."""
    return for_update(Wallet.select().where(Wallet.user_id == user_id)).get_or_none()


def wallet_for_update(wallet_id: str) -> Wallet | None:
    """Locks the wallet's row."""
    return for_update(Wallet.select().where(Wallet.id == wallet_id)).get_or_none()


def raise_checked_through(ledger: int) -> None:
    """Take what lies before this ledger for read, in every wallet that was read at all."""
    Wallet.update(checked_through_ledger=ledger).where(
        (Wallet.checked_through_ledger < ledger) & (Wallet.cursor != "0")
    ).execute()


def read_again_from(*, ledger: int) -> None:
    """Have every wallet that was read at all read on from this ledger."""
    Wallet.update(cursor=str(ledger << 32), checked_through_ledger=ledger).where(
        Wallet.cursor != "0"
    ).execute()

"""Users: registering them, their Airtm account, reading them."""

from typing import Any

from offerhub.domain import ids
from offerhub.domain.errors import NotFound, OfferHubError
from offerhub.domain.users import USER, WALLET
from offerhub.ledger import journal
from offerhub.services import audit, operations
from offerhub.services import representations as show
from offerhub.services.announcements import NewEvent, announce
from offerhub.services.context import Context, Page
from offerhub.store import users as store
from offerhub.store.database import atomic, connection
from offerhub.store.errors import UniqueViolation

CHANGEABLE = ("email", "metadata", "type", "status")


def create_user(
    ctx: Context,
    *,
    external_user_id: str,
    type: str,
    email: str | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Register a user, open the three accounts, and have an invisible wallet made. Commits.

    Raises: USER_ALREADY_EXISTS.
    """
    now = ctx.now_ms()
    user_id, wallet_id = ids.new_id(ids.USER), ids.new_id(ids.WALLET)
    address, sealed = ctx.app.vault.new_key(binding=wallet_id)
    with atomic():
        if store.find_by_external_id(external_user_id) is not None:
            raise _exists(external_user_id)
        try:
            row = store.User.create(
                id=user_id,
                external_user_id=external_user_id,
                type=type,
                status=USER.initial,
                email=email,
                metadata=metadata or {},
                created_at=now,
                updated_at=now,
            )
        except UniqueViolation as exc:
            raise _exists(external_user_id) from exc
        wallet = store.Wallet.create(
            id=wallet_id,
            user_id=user_id,
            address=address,
            sealed_key=sealed,
            kek_id=ctx.app.vault.key_id(sealed),
            status=WALLET.initial,
            cursor="0",
            created_at=now,
            updated_at=now,
        )
        journal.open_user(user_id)
        operations.start(
            ctx, kind=operations.WALLET_CREATE, subject_type="wallet", subject_id=wallet_id,
            params={"user_id": user_id, "address": address},
        )  # fmt: skip
        shown = show.user(row, wallet)
        audit.record(
            ctx, action="user.create", resource_type="user", resource_id=user_id, after=shown
        )
        announce(ctx, NewEvent("user.created", user_id, {"user": shown}, (user_id,)))
        return shown


def get_user(ctx: Context, user_id: str) -> dict[str, Any]:
    """Raises: USER_NOT_FOUND."""
    with connection():
        row = require(user_id)
        return show.user(row, store.wallet_of(user_id))


def list_users(
    ctx: Context,
    *,
    limit: int = 20,
    cursor: str | None = None,
    external_user_id: str | None = None,
    type: str | None = None,
    status: str | None = None,
    airtm_user_id: str | None = None,
) -> Page:
    """Newest first."""
    with connection():
        rows = store.listed(
            limit=limit, cursor=cursor, external_user_id=external_user_id, type_=type,
            status=status, airtm_user_id=airtm_user_id,
        )  # fmt: skip
        wallets = store.wallets_of([row.id for row in rows.rows])
        return Page([show.user(r, wallets.get(r.id)) for r in rows.rows], rows.next_cursor)


def update_user(ctx: Context, user_id: str, **changes: Any) -> dict[str, Any]:
    """Change email, metadata, type or status; only what is given. Commits.

    A suspended user keeps receiving money and moves none out.
    Raises: USER_NOT_FOUND, INVALID_STATE.
    """
    with atomic():
        row = store.get_for_update(user_id)
        if row is None:
            raise NotFound(code="USER_NOT_FOUND", user_id=user_id)
        wallet = store.wallet_of(user_id)
        before = show.user(row, wallet)
        suspended = False
        for name, value in changes.items():
            if name not in CHANGEABLE:
                raise ValueError(f"a user's {name} cannot be changed")
            if name == "status" and value != row.status:
                value = USER.check(row.status, value, resource_id=user_id)
                suspended = value == "SUSPENDED"
            setattr(row, name, value)
        row.updated_at = ctx.now_ms()
        row.version += 1
        row.save()
        shown = show.user(row, wallet)
        audit.record(
            ctx, action="user.update", resource_type="user", resource_id=user_id,
            before=before, after=shown,
        )  # fmt: skip
        events = [NewEvent("user.updated", user_id, {"user": shown}, (user_id,))]
        if suspended:
            events.append(NewEvent("user.suspended", user_id, {"user": shown}, (user_id,)))
        announce(ctx, *events)
        return shown


def link_airtm(
    ctx: Context, user_id: str, *, email: str, airtm_user_id: str | None = None
) -> dict[str, Any]:
    """Link the Airtm account behind an e-mail address, checked at Airtm first. Commits.

    The look-up is a read and happens before the transaction. An id alone cannot be verified at
    Airtm, so it is only compared (providers/airtm, "Users").
    Raises: USER_NOT_FOUND, AIRTM_USER_INVALID, AIRTM_USER_ALREADY_LINKED; provider failures.
    """
    with connection():
        require(user_id)
    account = ctx.app.payments.find_account(email)
    if account is None:
        raise _airtm_invalid("Airtm knows no account with this e-mail address.")
    if not account.active:
        raise _airtm_invalid("The Airtm account is not active.")
    if not account.has_name:
        raise _airtm_invalid("The Airtm account has no name yet and could not be paid.")
    if airtm_user_id is not None and airtm_user_id != account.provider_id:
        raise _airtm_invalid("The e-mail address belongs to another Airtm account.")
    with atomic():
        row = store.get_for_update(user_id)
        assert row is not None
        other = store.find_by_airtm_id(account.provider_id)
        if other is not None and other.id != user_id:
            raise OfferHubError(code="AIRTM_USER_ALREADY_LINKED")
        if row.airtm_user_id not in {None, account.provider_id}:
            raise OfferHubError(
                "This user is linked to another Airtm account.", code="AIRTM_USER_ALREADY_LINKED"
            )
        wallet = store.wallet_of(user_id)
        before = show.user(row, wallet)
        row.airtm_user_id = account.provider_id
        row.airtm_email = email
        row.airtm_verified = account.verified
        row.airtm_country = account.country
        row.airtm_linked_at = row.updated_at = ctx.now_ms()
        row.version += 1
        try:
            row.save()
        except UniqueViolation as exc:  # another user was linked to it in this moment
            raise OfferHubError(code="AIRTM_USER_ALREADY_LINKED") from exc
        shown = show.user(row, wallet)
        audit.record(
            ctx, action="user.link_airtm", resource_type="user", resource_id=user_id,
            before=before, after=shown,
        )  # fmt: skip
        announce(ctx, NewEvent("user.airtm_linked", user_id, {"user": shown}, (user_id,)))
        return shown


def require(user_id: str) -> store.User:
    """The user's row. Raises: USER_NOT_FOUND."""
    row = store.get(user_id)
    if row is None:
        raise NotFound(code="USER_NOT_FOUND", user_id=user_id)
    return row


def require_both(user_id: str, other_id: str) -> None:
    """Look two users up together. Raises: USER_NOT_FOUND for the first that is missing."""
    found = store.both(user_id, other_id)
    for wanted, row in zip((user_id, other_id), found, strict=True):
        if row is None:
            raise NotFound(code="USER_NOT_FOUND", user_id=wanted)


def require_active(user_id: str) -> store.User:
    """The row of a user who may move money out. Raises: USER_NOT_FOUND, USER_SUSPENDED."""
    row = require(user_id)
    if row.status != "ACTIVE":
        raise OfferHubError(code="USER_SUSPENDED", user_id=user_id, status=row.status)
    return row


def _exists(external_user_id: str) -> OfferHubError:
    return OfferHubError(code="USER_ALREADY_EXISTS", external_user_id=external_user_id)


def _airtm_invalid(message: str) -> OfferHubError:
    return OfferHubError(message, code="AIRTM_USER_INVALID")

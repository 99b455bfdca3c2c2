"""Users, their balances and statements, their wallets, their Airtm accounts."""

from collections.abc import Iterator, Mapping
from typing import Any

from offerhub.sdk.models import Balance, LedgerLine, User
from offerhub.sdk.pages import Page, read_page
from offerhub.sdk.resources import Resources, path_of
from offerhub.sdk.wallet_models import (
    DepositInstructions,
    SyncedBalance,
    Wallet,
    WalletTransaction,
)


class Users(Resources):
    def create(
        self,
        *,
        external_user_id: str,
        type: str,
        email: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> User:
        """Register a user of the marketplace. `type`: BUYER, SELLER or BOTH.

        Raises: UserAlreadyExists, ValidationError.
        """
        body = {
            "external_user_id": external_user_id,
            "type": type,
            "email": email,
            "metadata": metadata,
        }
        answer = self._http.change("POST", "/users", body, idempotency_key=idempotency_key)
        return User.from_json(answer.data)

    def get(self, user_id: str) -> User:
        """Raises: UserNotFound."""
        return User.from_json(self._http.get(path_of("users", user_id)).data)

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        external_user_id: str | None = None,
        type: str | None = None,
        status: str | None = None,
        airtm_user_id: str | None = None,
    ) -> Page[User]:
        """One page, newest first; `limit` 1 to 100."""
        filters = {
            "limit": limit,
            "external_user_id": external_user_id,
            "type": type,
            "status": status,
            "airtm_user_id": airtm_user_id,
        }
        return read_page(self._asking("/users"), User.from_json, filters=filters, cursor=cursor)

    def iterate(
        self,
        *,
        external_user_id: str | None = None,
        type: str | None = None,
        status: str | None = None,
    ) -> Iterator[User]:
        """Every user, newest first, a hundred per request."""
        page = self.list(limit=100, external_user_id=external_user_id, type=type, status=status)
        return page.every_item()

    def update(
        self,
        user_id: str,
        *,
        email: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        type: str | None = None,
        status: str | None = None,
    ) -> User:
        """Change what is given. `status`: ACTIVE, SUSPENDED or PENDING_VERIFICATION.

        Raises: UserNotFound, InvalidState.
        """
        given = {"email": email, "metadata": metadata, "type": type, "status": status}
        body = {name: value for name, value in given.items() if value is not None}
        path = path_of("users", user_id)
        return User.from_json(self._http.change("PATCH", path, body, idempotency_key=None).data)

    def link_airtm(
        self,
        user_id: str,
        *,
        email: str,
        airtm_user_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> User:
        """Connect the user's Airtm account, found by e-mail and checked at Airtm.

        Raises: AirtmUserInvalid, AirtmUserAlreadyLinked, ProviderUnavailable.
        """
        answer = self._http.change(
            "POST",
            path_of("users", user_id, "airtm", "link"),
            {"email": email, "airtm_user_id": airtm_user_id},
            idempotency_key=idempotency_key,
        )
        return User.from_json(answer.data)

    def balance(self, user_id: str) -> Balance:
        """What the user has: available, reserved for orders, on the way out."""
        return Balance.from_json(self._http.get(path_of("users", user_id, "balance")).data)

    def sync_balance(self, user_id: str, *, idempotency_key: str | None = None) -> SyncedBalance:
        """Read the wallet on chain now: credit what arrived, and compare the rest with the books.

        `.wallet.same` says whether they agree; a difference is recorded, never overwritten.
        Raises: UserNotFound.
        """
        path = path_of("users", user_id, "balance", "sync")
        answer = self._http.change("POST", path, {}, idempotency_key=idempotency_key)
        return SyncedBalance.from_json(answer.data)

    def ledger(
        self, user_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[LedgerLine]:
        """One page of the user's statement, newest first."""
        return read_page(
            self._asking(path_of("users", user_id, "ledger")),
            LedgerLine.from_json,
            filters={"limit": limit},
            cursor=cursor,
        )

    def iterate_ledger(self, user_id: str) -> Iterator[LedgerLine]:
        """The whole statement, newest first."""
        return self.ledger(user_id, limit=100).every_item()

    def wallet(self, user_id: str) -> Wallet:
        """The user's invisible wallet on Stellar. Raises: WalletNotFound."""
        return Wallet.from_json(self._http.get(path_of("users", user_id, "wallet")).data)

    def deposit_instructions(self, user_id: str) -> DepositInstructions:
        """Where to send USDC for this user."""
        answer = self._http.get(path_of("users", user_id, "wallet", "deposit"))
        return DepositInstructions.from_json(answer.data)

    def wallet_transactions(
        self, user_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[WalletTransaction]:
        """One page of what moved in and out of the wallet on chain, newest first."""
        return read_page(
            self._asking(path_of("users", user_id, "wallet", "transactions")),
            WalletTransaction.from_json,
            filters={"limit": limit},
            cursor=cursor,
        )

    def iterate_wallet_transactions(self, user_id: str) -> Iterator[WalletTransaction]:
        """Everything that moved in and out of the wallet, newest first."""
        return self.wallet_transactions(user_id, limit=100).every_item()

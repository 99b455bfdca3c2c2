"""Users, their Airtm account, balance, statement and wallet."""

from typing import Any

from offerhub.api.access import idempotent, path_user, prepared_by, require_scope
from offerhub.api.blueprint import Routes
from offerhub.api.schemas import users as shapes
from offerhub.api.schemas.envelopes import PageQuery
from offerhub.api.schemas.orders import Nothing
from offerhub.api.state import current_context
from offerhub.domain.scopes import ADMIN, READ, WRITE
from offerhub.services import (
    adjustments,
    balances,
    reconciliation,
    users,
    wallet_history,
    wallets,
)
from offerhub.services.context import Page

blp = Routes("users", __name__, url_prefix="/users", description="Users, balances, wallets")


@blp.route("", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@blp.arguments(shapes.CreateUser)
@blp.response(201, shapes.User)
def create_user(body: dict[str, Any]) -> dict[str, Any]:
    """Register a user

    An invisible Stellar wallet is made for the user in the background.
    """
    return users.create_user(current_context(), **body)


@blp.route("", methods=["GET"])
@require_scope(READ)
@blp.arguments(shapes.UserQuery, location="query")
@blp.response(200, shapes.User, page=True)
def list_users(query: dict[str, Any]) -> Page:
    """List users"""
    return users.list_users(current_context(), **query)


@blp.route("/<user_id>", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.response(200, shapes.User)
def get_user(user_id: str) -> dict[str, Any]:
    """Read a user"""
    return users.get_user(current_context(), user_id)


@blp.route("/<user_id>/airtm/link", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False, repeatable=True)
@blp.arguments(shapes.LinkAirtm)
@blp.response(200, shapes.User)
def link_airtm(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Link a user's Airtm account

    The account is looked up at Airtm by its e-mail address and checked.
    """
    return users.link_airtm(current_context(), user_id, **body)


@blp.route("/<user_id>/balance", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.response(200, shapes.Balance)
def get_balance(user_id: str) -> dict[str, Any]:
    """Read a user's balance"""
    return balances.get_balance(current_context(), user_id)


@blp.route("/<user_id>/ledger", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.LedgerLine, page=True)
def get_statement(query: dict[str, Any], user_id: str) -> Page:
    """Read a user's statement

    Each line names its transfer and its cause.
    """
    return balances.statement(current_context(), user_id, **query)


@blp.route("/<user_id>/wallet", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.response(200, shapes.Wallet)
def get_wallet(user_id: str) -> dict[str, Any]:
    """Read a user's wallet"""
    return wallets.get_wallet(current_context(), user_id)


@blp.route("/<user_id>/wallet/deposit", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.response(200, shapes.Deposit)
def get_deposit_instructions(user_id: str) -> dict[str, Any]:
    """Read where to send a deposit

    The wallet is then watched more closely for a while.
    """
    return wallets.deposit_instructions(current_context(), user_id)


@blp.route("/<user_id>", methods=["PATCH"])
@require_scope(WRITE)
@blp.arguments(shapes.UpdateUser)
@blp.response(200, shapes.User)
def update_user(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Change a user

    A SUSPENDED user keeps receiving money and moves none out.
    """
    return users.update_user(current_context(), user_id, **body)


def _look_at_wallet(_: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Ask the chain while no transaction is open."""
    return {"compared": reconciliation.look_at_wallet(current_context(), user_id)}


@blp.route("/<user_id>/balance/sync", methods=["POST"])
@require_scope(WRITE)
@idempotent(required=False)
@prepared_by(_look_at_wallet)
@blp.arguments(Nothing)
@blp.response(200, shapes.SyncedBalance)
def sync_balance(_: dict[str, Any], user_id: str, *, compared: Any) -> dict[str, Any]:
    """Compare a user's wallet with the chain

    Deposits that have arrived are credited first. A difference is recorded, never overwritten.
    """
    return reconciliation.record_wallet(current_context(), user_id, compared)


@blp.route("/<user_id>/balance/adjustments", methods=["POST"])
@require_scope(ADMIN)
@idempotent(required=True)
@blp.arguments(shapes.Adjust)
@blp.response(201, shapes.Balance)
def adjust_balance(body: dict[str, Any], user_id: str) -> dict[str, Any]:
    """Correct a user's balance, with a reason and a reference"""
    return adjustments.adjust(current_context(), user_id, amount_stroops=body.pop("amount"), **body)


@blp.route("/<user_id>/wallet/transactions", methods=["GET"])
@require_scope(READ, bound=path_user())
@blp.arguments(PageQuery, location="query")
@blp.response(200, shapes.WalletTransaction, page=True)
def list_wallet_transactions(query: dict[str, Any], user_id: str) -> Page:
    """List what moved in and out of a user's wallet on chain"""
    return wallet_history.transactions(current_context(), user_id, **query)

"""The balance sheet of the deployment, each asset with the place where it can be checked."""

from typing import Any

from offerhub.ledger import accounts, checks
from offerhub.services import platform
from offerhub.services.context import Context
from offerhub.services.representations import money
from offerhub.store import figures
from offerhub.store import orders as orders_store
from offerhub.store import users as users_store
from offerhub.store.database import snapshot


def balance_sheet(ctx: Context) -> dict[str, Any]:
    """Assets, liabilities and equity, of one moment; amounts as text.

    `place` says where an asset can be looked up: an address, a contract, or the Airtm account.
    `pending_operations` is how many operations may still move money.
    """
    with snapshot():
        sheet = checks.sheet()
        places = _places(ctx, list(sheet.assets))
        pending = figures.operations()["PENDING"]
    return {
        "assets": [
            {"account": name, "place": places.get(name), **money("amount", amount)}
            for name, amount in sorted(sheet.assets.items())
        ],
        "equity": [
            {"account": name, **money("amount", amount)}
            for name, amount in sorted(sheet.equity.items())
        ],
        **money("assets_total", sheet.assets_stroops),
        **money("owed_to_users", sheet.liabilities_stroops),
        **money("equity_total", sheet.equity_stroops),
        **money("difference", sheet.difference_stroops),
        "pending_operations": pending,
    }


def check_books(ctx: Context) -> list[dict[str, Any]]:
    """Every broken invariant of the books; empty when they are right."""
    with snapshot():
        return [
            {
                "invariant": finding.invariant,
                "subject": finding.subject,
                **money("expected", finding.expected),
                **money("found", finding.found),
            }
            for finding in checks.check()
        ]


def platform_wallets(ctx: Context) -> dict[str, str]:
    """Addresses of the platform's own wallets by role; public facts."""
    return {role: key.address for role, key in platform.wallets(ctx.app).items()}


def _places(ctx: Context, names: list[str]) -> dict[str, str]:
    users = [name.split(":", 1)[1] for name in names if name.startswith("stellar.wallet:")]
    orders = [name.split(":", 1)[1] for name in names if name.startswith("escrow.contract:")]
    places = {
        accounts.AIRTM_TREASURY: "airtm",
        accounts.STELLAR_TREASURY: ctx.app.platform_keys.treasury.address,
    }
    for user_id, wallet in users_store.wallets_of(users).items():
        places[accounts.wallet(user_id)] = wallet.address
    for order_id, escrow in orders_store.escrows_of(orders).items():
        places[accounts.contract(order_id)] = escrow.trustless_contract_id or ""
    return places

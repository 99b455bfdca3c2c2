"""Whether the chain can be worked with: the reader answers, and our own wallets can pay fees.

A platform wallet without XLM fails nothing at once: what it signs waits, and this says why.
"""

from typing import Any

from offerhub.domain.money import format_exact
from offerhub.services import platform
from offerhub.services.context import App
from offerhub.store import operations as operations_store
from offerhub.store.database import connection


def look(app: App) -> tuple[str | None, dict[str, Any]]:
    """(what is wrong, numbers for the answer). Raises: provider failures."""
    head = app.chain.head()
    found: dict[str, Any] = {"latest_ledger": head.sequence}
    with connection():
        waiting = operations_store.waiting_for_xlm()
    wrong = [
        *_short_wallets(app),
        *([f"{waiting} operations wait for XLM"] if waiting else []),
    ]
    return "; ".join(wrong) or None, {**found, "waiting_for_xlm": waiting}


def _short_wallets(app: App) -> list[str]:
    """One sentence per wallet of the platform that is short; one that does not exist yet is not."""
    short = []
    for role, key in platform.wallets(app).items():
        account = app.chain.account(key.address)
        if account is not None and account.xlm_stroops < app.policy.platform_xlm_low_stroops:
            short.append(
                f"the {role} wallet can spend {format_exact(account.xlm_stroops)} XLM:"
                f" send some to {key.address}"
            )
    return short

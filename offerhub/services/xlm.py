"""XLM of the platform's own wallets: what they can spend, and whether that is enough.

XLM pays fees and reserves. It is no money of the books: an inventory that an operator fills up.
"""

from dataclasses import dataclass
from typing import Any, Final

from offerhub.domain.money import format_exact
from offerhub.services import platform
from offerhub.services.context import Context

WALLETS_AHEAD: Final = 20  # users' wallets that the treasury must still be able to make
RESERVES_PER_WALLET_STROOPS: Final = 15_000_000  # account and trustline, three base reserves
FEES_AHEAD_STROOPS: Final = 20_000_000  # some twenty calls of a contract


@dataclass(frozen=True, slots=True)
class PlatformXlm:
    """One platform wallet; amounts in stroops of XLM, spendable is above its reserve."""

    role: str
    address: str
    exists: bool
    spendable_stroops: int
    needed_stroops: int

    @property
    def is_short(self) -> bool:
        return self.spendable_stroops < self.needed_stroops

    def shown(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "address": self.address,
            "exists": self.exists,
            "spendable_xlm": format_exact(self.spendable_stroops),
            "needed_xlm": format_exact(self.needed_stroops),
            "suffices": self.exists and not self.is_short,
        }


def platform_xlm(ctx: Context) -> list[PlatformXlm]:
    """Asks the chain. Not inside a transaction. Raises: provider failures.

    The treasury makes users' wallets, so it needs what WALLETS_AHEAD of them cost; the others pay
    fees only.
    """
    each = ctx.app.policy.wallet_xlm_stroops + RESERVES_PER_WALLET_STROOPS
    found = []
    for role, key in platform.wallets(ctx.app).items():
        account = ctx.app.chain.account(key.address)
        needed = FEES_AHEAD_STROOPS + (WALLETS_AHEAD * each if role == "treasury" else 0)
        has = account.xlm_stroops if account else 0
        found.append(PlatformXlm(role, key.address, account is not None, has, needed))
    return found

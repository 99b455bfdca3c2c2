"""Making the platform's own wallets usable: an account with XLM and a USDC trustline each.

On a test network the friendbot pays; elsewhere the operator sends XLM and this waits for it.
"""

from collections.abc import Sequence

from offerhub.ports.chain import SignedTransaction, SigningKey
from offerhub.ports.errors import Rejected, Unavailable
from offerhub.services import operations
from offerhub.services.chain_steps import ChainStep
from offerhub.services.steps import BaseFlow, Done, Run, Step

ROLES = ("treasury", "release", "resolver")


class Trustline(ChainStep):
    """One platform wallet, by role."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.name = f"trustline_{role}"

    def _key(self, run: Run) -> SigningKey:
        return getattr(run.app.platform_keys, self.role)  # type: ignore[no-any-return]

    def claims(self, run: Run) -> Sequence[str]:
        return (self._key(run).address,)

    def build(self, run: Run) -> SignedTransaction | Done:
        key = self._key(run)
        account = run.app.chain.account(key.address)
        if account is None and run.app.policy.test_network:
            run.app.chain.fund_test_account(key.address)
            account = run.app.chain.account(key.address)
        if account is None:
            raise Unavailable(
                f"send XLM to the {self.role} wallet {key.address}", provider="stellar"
            )
        if account.has_trustline:
            return Done({f"{self.name}_found": True})
        return run.app.chain.build_trustline(account=key)


class PlatformSetup(BaseFlow):
    """Runs once per deployment; a refusal is shown to an operator."""

    kind = operations.PLATFORM_SETUP
    steps: Sequence[Step] = tuple(Trustline(role) for role in ROLES)

    def refused(self, run: Run, step: str, failure: Rejected) -> str:
        return "STUCK"

    def finished(self, run: Run) -> None:
        """The platform can sponsor wallets and take fees."""

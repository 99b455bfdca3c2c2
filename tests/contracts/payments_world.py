"""A payments provider to hold to the port, with hands on what lies behind it.

`PaymentsWorld` is what the contract suite needs, in the port's words; each adapter gives its own.
Here: Airtm, over real HTTP to the sandbox.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

import httpx

from offerhub.domain.money import from_decimal
from offerhub.ports.errors import RateLimited
from offerhub.ports.payments import Payments
from offerhub.providers.airtm import build_airtm
from offerhub.sandbox.airtm.users import NewUser
from offerhub.sandbox.config import SEED_USERS, SandboxConfig
from offerhub.sandbox.knobs import AirtmKnobs
from offerhub.sandbox.server import SandboxServer

READ_TIMEOUT_S = 1.0
FUNDS_STROOPS = 10_000 * 10_000_000

# A call goes wrong after it had its effect, or before it.
AFTER = (
    "timeout_after",
    "reset_after",
    "error_500_after",
    "html_502_after",
    "truncated_after",
    "wrong_body_after",
)
BEFORE = ("timeout_before", "error_500_before", "error_503_before", "html_502_before")


class SteppingLimiter:
    """Lets `left` calls through, or all; then refuses, as our shared limit would."""

    def __init__(self) -> None:
        self.left: int | None = None

    def acquire(self, provider: str) -> None:
        if self.left is not None:
            if self.left == 0:
                raise RateLimited("used up", provider=provider, retry_after_s=3.0)
            self.left -= 1


class PaymentsWorld(Protocol):
    """What the suite does to the provider, and what it counts there."""

    payments: Payments
    limiter: SteppingLimiter
    friend: str  # an account that can be paid
    friend_alias: str  # another address of the same account
    unverified: str
    inactive: str

    def code(self, prefix: str) -> str: ...

    def break_next(self, kind: str, *, on: str, after_n: int = 0) -> None:
        """`on`: create_payin, cancel_payin, create_payout, commit_payout, cancel_payout, read."""
        ...

    def pay(self, code: str) -> None: ...

    def fail_payin(self, code: str, reason: str) -> None: ...

    def step_payout(self, code: str, action: str) -> None: ...

    def show_status(self, kind: str, code: str, status: str) -> None: ...

    def count(self, kind: str, code: str) -> int: ...

    def received_stroops(self, email: str) -> int: ...

    def calls(self) -> int: ...

    def stop(self) -> None: ...

    def with_wrong_credentials(self) -> Payments: ...


_PATHS = {
    "create_payin": ("POST", "/payins$"),
    "cancel_payin": ("DELETE", "/payins/"),
    "create_payout": ("POST", "/payouts$"),
    "commit_payout": ("POST", "/commit$"),
    "cancel_payout": ("DELETE", "/payouts/"),
    "read": ("GET", ""),
}


class AirtmInSandbox:
    """`PaymentsWorld` over the sandbox's Airtm; payouts stand still until stepped."""

    friend = "seller@example.com"
    friend_alias = "Seller.Second+work@example.com"
    unverified = "unverified@example.com"
    inactive = "inactive@example.com"

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self._control = httpx.Client(base_url=server.control_url, trust_env=False)
        self._numbers = itertools.count(1)
        self.limiter = SteppingLimiter()
        self.payments: Payments = self._adapter(secret="s3cret")

    def _adapter(self, *, secret: str) -> Payments:
        return build_airtm(
            base_url=self.server.airtm_base_url,
            api_key="key",
            api_secret=secret,
            checkout_url_template=self.server.checkout_url_template,
            limiter=self.limiter,
            read_timeout_s=READ_TIMEOUT_S,
        )

    def with_wrong_credentials(self) -> Payments:
        return self._adapter(secret="wrong")

    def code(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"

    def break_next(self, kind: str, *, on: str, after_n: int = 0) -> None:
        method, path = _PATHS[on]
        rule: dict[str, object] = {
            "kind": kind,
            "provider": "airtm",
            "method": method,
            "path_regex": path,
        }
        if kind.startswith("timeout"):
            rule["delay_s"] = READ_TIMEOUT_S * 2
        self.server.rules.add({**rule, "after_n": after_n})

    def pay(self, code: str) -> None:
        self._post(f"/payins/{code}/pay", {"email": "buyer@example.com"})

    def fail_payin(self, code: str, reason: str) -> None:
        self._post(f"/payins/{code}/fail", {"reason": reason})

    def step_payout(self, code: str, action: str) -> None:
        self._post(f"/payouts/{code}/{action}", {})

    def show_status(self, kind: str, code: str, status: str) -> None:
        self._post(f"/{kind}s/{code}/status", {"status": status})

    def count(self, kind: str, code: str) -> int:
        dump = self._control.get("/world").raise_for_status().json()["airtm"]
        return sum(1 for row in dump[f"{kind}s"] if row["code"] == code)

    def received_stroops(self, email: str) -> int:
        users = self._control.get("/airtm/users").raise_for_status().json()["users"]
        wallet = next(user["wallet"] for user in users if email in str(user))
        return from_decimal(Decimal(wallet))

    def calls(self) -> int:
        return len(self.server.journal.list(provider="airtm"))

    def stop(self) -> None:
        self.server.stop()

    def close(self) -> None:
        self._control.close()

    def _post(self, path: str, body: dict[str, str]) -> None:
        self._control.post(path, json=body).raise_for_status()


@contextmanager
def airtm_in_sandbox(*, knobs: AirtmKnobs | None = None) -> Iterator[AirtmInSandbox]:
    """A fresh sandbox with funds; it may be stopped by the test."""
    users = [user for user in SEED_USERS if user.email != AirtmInSandbox.friend]
    friend = NewUser(
        email=AirtmInSandbox.friend,
        aliases=(AirtmInSandbox.friend_alias,),
        first_name="Example",
        last_name="Seller",
        country="ARG",
    )
    server = SandboxServer(
        SandboxConfig(
            airtm_key="key",
            airtm_secret="s3cret",
            trustless_work_api_key="unused",
            airtm_available_stroops=FUNDS_STROOPS,
            seed_users=(*users, friend),
            airtm_knobs=knobs or AirtmKnobs(payout_auto=False, enforce_rate_limits=False),
        )
    )
    server.start()
    made = AirtmInSandbox(server)
    try:
        yield made
    finally:
        made.close()
        server.stop()

"""Settings of a sandbox process. Secrets come from the environment, never from arguments."""

from dataclasses import dataclass, field

from offerhub.sandbox.airtm.users import NewUser
from offerhub.sandbox.chain.network import DEFAULT_LEDGER_INTERVAL_MS, DEFAULT_PASSPHRASE
from offerhub.sandbox.knobs import AirtmKnobs, WebhookKnobs

USD = 10_000_000

BUYER = "buyer@example.com"
SELLER = "seller@example.com"

SEED_USERS = (
    NewUser(
        email=BUYER,
        aliases=("buyer.second@example.com",),
        first_name="Example",
        last_name="Buyer",
        country="MEX",
        wallet_stroops=1_000_000 * USD,
    ),
    NewUser(
        email=SELLER,
        first_name="Example",
        last_name="Seller",
        country="ARG",
        wallet_stroops=1_000 * USD,
    ),
    NewUser(
        email="inactive@example.com",
        status="inactive",
        first_name="Example",
        last_name="Inactive",
        country="COL",
    ),
    NewUser(
        email="unverified@example.com",
        is_verified=False,
        first_name="Example",
        last_name="Unverified",
        country="VEN",
        wallet_stroops=1_000 * USD,
    ),
    NewUser(
        email="us@example.com",
        first_name="Example",
        last_name="American",
        country="USA",
        wallet_stroops=1_000 * USD,
    ),
)


@dataclass(frozen=True)
class SandboxConfig:
    """How a sandbox starts.

    state_path: SQLite file that outlives the process; ":memory:" forgets.
    webhook_url, webhook_secret: both or neither; without them webhooks wait in the queue.
    ledger_interval_ms: 0 includes at once; None closes ledgers by control only.
    airtm_available_stroops, seed_users, airtm_knobs, webhook_knobs: used when the state is new.
    enforce_rate_limits: Airtm's 10 calls a second and Trustless Work's 50 a minute.
    public_base_url: how browsers reach the sandbox; empty for its own loopback address.
    """

    airtm_key: str = field(repr=False)
    airtm_secret: str = field(repr=False)
    trustless_work_api_key: str = field(repr=False)
    state_path: str = ":memory:"
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    passphrase: str = DEFAULT_PASSPHRASE
    ledger_interval_ms: int | None = DEFAULT_LEDGER_INTERVAL_MS
    enforce_rate_limits: bool = True
    public_base_url: str = ""
    airtm_available_stroops: int = 0
    seed_users: tuple[NewUser, ...] = SEED_USERS
    airtm_knobs: AirtmKnobs = field(default_factory=AirtmKnobs)
    webhook_knobs: WebhookKnobs = field(default_factory=WebhookKnobs)

    def __post_init__(self) -> None:
        if not (self.airtm_key and self.airtm_secret and self.trustless_work_api_key):
            raise ValueError("airtm_key, airtm_secret and trustless_work_api_key are required")
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("webhook_url and webhook_secret belong together")

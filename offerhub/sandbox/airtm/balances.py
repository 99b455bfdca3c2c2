"""The one place where money moves inside the Airtm half.

Every movement has a source and a target, so the sum over all balances is always zero: `outside` is
negative by what has entered the sandbox. No other balance can go below zero; the table refuses.
"""

from offerhub.sandbox.airtm.world import AirtmWorld

AVAILABLE = "enterprise:available"
PENDING = "enterprise:pending"
WITHDRAWING = "enterprise:withdrawing"
AIRTM_FEES = "airtm:fees"
OUTSIDE = "outside"


class NotEnough(Exception):
    """The source balance is lower than the amount."""


def wallet_of(user_id: str) -> str:
    """Name of a user's own Airtm wallet."""
    return f"user:{user_id}"


def balance_of(world: AirtmWorld, name: str) -> int:
    """Stroops in a balance; 0 for one that was never used."""
    row = world.store.one("SELECT stroops FROM airtm_balances WHERE name = ?", (name,))
    return int(row["stroops"]) if row else 0


def move(world: AirtmWorld, *, source: str, target: str, stroops: int) -> None:
    """Move `stroops` inside the caller's transaction. Raises: NotEnough, and then nothing moved."""
    if stroops < 0:
        raise ValueError("an amount to move cannot be negative")
    if source != OUTSIDE and balance_of(world, source) < stroops:
        raise NotEnough(f"{source} has less than {stroops} stroops")
    with world.store.transaction():
        _add(world, source, -stroops)
        _add(world, target, stroops)


def all_balances(world: AirtmWorld) -> dict[str, int]:
    """Every balance by name, in stroops. They sum to zero."""
    rows = world.store.query("SELECT name, stroops FROM airtm_balances ORDER BY name")
    return {row["name"]: int(row["stroops"]) for row in rows}


def _add(world: AirtmWorld, name: str, stroops: int) -> None:
    world.store.execute("INSERT OR IGNORE INTO airtm_balances VALUES (?, 0)", (name,))
    world.store.execute(
        "UPDATE airtm_balances SET stroops = stroops + ? WHERE name = ?", (stroops, name)
    )

"""What the Airtm half works with: its store, clock and knobs, and its two ways out.

Handed to every function of this package as its first argument; holds no state of its own.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from offerhub.sandbox.airtm.schema import SCHEMA
from offerhub.sandbox.clock import SandboxClock
from offerhub.sandbox.knobs import AirtmKnobs, Knobs
from offerhub.sandbox.store import SandboxStore


class TransferRefused(Exception):
    """The chain did not take a treasury transfer; the text says why."""


class StellarRail(Protocol):
    """Airtm's own hot wallet on the sandbox chain."""

    def send_usdc(self, *, to: str, amount_stroops: int, memo: str | None) -> str:
        """Pay `to` and return the transaction hash. Raises: TransferRefused."""
        ...

    def accepts_address(self, address: str) -> bool:
        """True when the text is an account address, whether or not the account exists."""
        ...


@dataclass(frozen=True)
class AirtmWorld:
    """The services one enterprise account at Airtm is made of.

    announce: queues a webhook `(type, data)` in the caller's transaction.
    """

    store: SandboxStore
    clock: SandboxClock
    knob_store: Knobs
    announce: Callable[[str, dict[str, Any]], object]
    stellar: StellarRail

    def install(self) -> None:
        """Create the tables and the enterprise's identity."""
        self.store.install(SCHEMA)
        with self.store.transaction():
            self.store.execute(
                "INSERT OR IGNORE INTO airtm_identity (id, enterprise_id) VALUES (1, ?)",
                (new_id(),),
            )

    @property
    def knobs(self) -> AirtmKnobs:
        return self.knob_store.read(AirtmKnobs)

    @property
    def enterprise_id(self) -> str:
        row = self.store.one("SELECT enterprise_id FROM airtm_identity WHERE id = 1")
        if row is None:
            raise RuntimeError("install() was not called")
        return str(row["enterprise_id"])


def new_id() -> str:
    """A random UUID, the form of every id at Airtm."""
    return str(uuid.uuid4())

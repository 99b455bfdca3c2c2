"""Scripted misbehaviour of the network itself: knobs that outlive a restart of the process.

Faults of the wire (lost answers, 500s, throttling by script) are not made here.
"""

from __future__ import annotations

from offerhub.sandbox.store import SandboxStore

KNOBS: dict[str, str] = {
    "ingest_lag_ledgers": "Horizon shows the network as it was this many ledgers ago",
    "try_again_later": "the next N submissions are answered TRY_AGAIN_LATER and not queued",
    "never_include": "the next N submissions are accepted and then forgotten by the network",
    "index_lag_s": "Trustless Work's index shows contracts as they were this many seconds ago",
    "success_without_effect": "the next N send-transaction calls say SUCCESS and do nothing",
    "read_too_early": "the next N send-transaction calls apply, then fail on resultMetaXdr",
    "single_escrow_as_object": "1: asking for one contract answers an object, not a list",
    "surge_base_fee_stroops": "inclusion needs at least this bid per operation (0: no surge)",
}


class ChainFaults:
    """Whole-number settings, all 0 when the network behaves; unknown names are errors."""

    def __init__(self, store: SandboxStore) -> None:
        self._store = store

    def get(self, name: str) -> int:
        """The value of a knob; KeyError for a name that is not in KNOBS."""
        KNOBS[name]
        row = self._store.one("SELECT value FROM chain_meta WHERE key = ?", (f"fault.{name}",))
        return int(row["value"]) if row else 0

    def set(self, name: str, value: int) -> None:
        """Set a knob; KeyError for an unknown name, ValueError below zero. Commits."""
        KNOBS[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} takes a whole number from 0, not {value!r}")
        self._store.execute(
            "INSERT INTO chain_meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (f"fault.{name}", str(value)),
        )

    def spend(self, name: str) -> bool:
        """Use up one of the remaining N of a counting knob; False when none is left."""
        with self._store.transaction():
            left = self.get(name)
            if left:
                self.set(name, left - 1)
            return left > 0

    def clear(self) -> None:
        """Set every knob back to 0. Commits."""
        with self._store.transaction():
            for name in KNOBS:
                self.set(name, 0)

    def as_dict(self) -> dict[str, int]:
        """Every knob and its value."""
        return {name: self.get(name) for name in KNOBS}

"""Script knobs: how the sandbox behaves beyond what a request says, changeable while it runs.

A knob section is a frozen dataclass; its values are kept in the store so that they outlive a kill.
Seeds apply when a state file is new; afterwards the stored value wins.
"""

import dataclasses
import json
from typing import Any, TypeVar

from offerhub.sandbox.store import SandboxStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS sandbox_knobs (section TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class InvalidKnob(ValueError):
    """A knob that does not exist, or a value of the wrong type or range."""


@dataclasses.dataclass(frozen=True)
class AirtmKnobs:
    """Airtm's fees, speed and the choices its documents leave open."""

    payin_fee_bps: int = 250
    payout_fee_bps: int = 100
    payin_settle_delay_ms: int = 0
    payout_auto: bool = True
    payout_step_delay_ms: int = 100
    withdrawal_auto: bool = True
    withdrawal_delay_ms: int = 100
    payout_to_unknown_email: bool = False
    cancel_pending_payouts_after_days: int = 90
    payout_require_id_verification: bool = False
    reason_code_as_number: bool = False
    announce_cancellations: bool = True
    enforce_rate_limits: bool = True


@dataclasses.dataclass(frozen=True)
class WebhookKnobs:
    """What goes wrong with webhooks. Counts run down to 0; -1 means always."""

    delay_ms: int = 0
    drop: int = 0
    duplicate: int = 0
    reorder_window_ms: int = 0
    corrupt_signature: int = 0
    old_timestamp: int = 0
    old_timestamp_age_s: int = 3600
    two_signatures: bool = False
    header_family: str = "svix"
    retry_scale_percent: int = 1
    paused: bool = False


Section = TypeVar("Section", AirtmKnobs, WebhookKnobs)

_COUNTS = {"drop", "duplicate", "corrupt_signature", "old_timestamp"}
_FAMILIES = ("svix", "webhook", "both")


class Knobs:
    """Reads and changes knob sections in the store."""

    def __init__(self, store: SandboxStore) -> None:
        store.install(SCHEMA)
        self._store = store

    def seed(self, section: AirtmKnobs | WebhookKnobs) -> None:
        """Keep `section` unless the store already has one of its type."""
        with self._store.transaction():
            self._store.execute(
                "INSERT OR IGNORE INTO sandbox_knobs (section, document) VALUES (?, ?)",
                (type(section).__name__, json.dumps(dataclasses.asdict(section))),
            )

    def read(self, kind: type[Section]) -> Section:
        """The current values; defaults where none were stored."""
        row = self._store.one(
            "SELECT document FROM sandbox_knobs WHERE section = ?", (kind.__name__,)
        )
        known = {field.name for field in dataclasses.fields(kind)}
        stored = json.loads(row["document"]) if row else {}
        return kind(**{name: value for name, value in stored.items() if name in known})

    def change(self, kind: type[Section], changes: dict[str, Any]) -> Section:
        """Apply `changes` and return the new values. Raises: InvalidKnob."""
        with self._store.transaction():
            current = self.read(kind)
            for name, value in changes.items():
                _check(current, name, value)
            changed = dataclasses.replace(current, **changes)
            self._store.execute(
                "INSERT INTO sandbox_knobs (section, document) VALUES (?, ?)"
                " ON CONFLICT (section) DO UPDATE SET document = excluded.document",
                (kind.__name__, json.dumps(dataclasses.asdict(changed))),
            )
        return changed

    def take(self, kind: type[Section], name: str) -> bool:
        """Use one of a counted knob. True when it applied; -1 never runs out."""
        with self._store.transaction():
            left: int = getattr(self.read(kind), name)
            if left > 0:
                self.change(kind, {name: left - 1})
        return left != 0


def _check(section: AirtmKnobs | WebhookKnobs, name: str, value: Any) -> None:
    if name not in {field.name for field in dataclasses.fields(section)}:
        raise InvalidKnob(f"there is no knob {name!r}")
    if type(value) is not type(getattr(section, name)):
        raise InvalidKnob(f"{name} must be {type(getattr(section, name)).__name__}")
    lowest = -1 if name in _COUNTS else 0
    if isinstance(value, int) and not isinstance(value, bool) and value < lowest:
        raise InvalidKnob(f"{name} must be at least {lowest}")
    if name.endswith("_fee_bps") and value >= 10_000:
        raise InvalidKnob(f"{name} must be below 10000")
    if name == "header_family" and value not in _FAMILIES:
        raise InvalidKnob(f"{name} must be one of {', '.join(_FAMILIES)}")

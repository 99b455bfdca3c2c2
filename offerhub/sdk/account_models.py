"""Who is calling and what they call: keys, tokens, configuration and health, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from offerhub.sdk.records import Record


@dataclass(frozen=True, kw_only=True)
class ApiKey(Record):
    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewApiKey(ApiKey):
    """A key that was just made. `key` is the secret, shown this once and kept out of `repr`."""

    key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Token(Record):
    """A short-lived token; `token` is the secret and kept out of `repr`."""

    token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...]
    user_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Me(Record):
    """The caller, as the appliance sees it."""

    type: str
    scopes: tuple[str, ...]
    environment: str
    key_id: str | None = None
    name: str | None = None
    user_id: str | None = None
    marketplace_id: str | None = None
    expires_at: datetime | None = None

    def allows(self, scope: str) -> bool:
        """Whether the caller holds `scope`; admin implies all."""
        return scope in self.scopes or "admin" in self.scopes


@dataclass(frozen=True, kw_only=True)
class Fees(Record):
    platform_fee_bps: int
    protocol_fee_bps: int
    airtm_fee_bearer: str


@dataclass(frozen=True, kw_only=True)
class Config(Record):
    marketplace_id: str
    environment: str
    currency: str
    currencies: tuple[str, ...] = ()
    fees: Fees | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    providers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Health(Record):
    """The appliance's own view: healthy, degraded or unhealthy, and the same per component."""

    status: str
    components: Mapping[str, Any] = field(default_factory=dict)

    def component_status(self, name: str) -> str:
        """healthy, degraded, unhealthy, or "unknown" for a component that was not reported."""
        entry = self.components.get(name)
        if isinstance(entry, Mapping):
            entry = entry.get("status")
        return entry if isinstance(entry, str) else "unknown"

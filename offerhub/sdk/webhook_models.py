"""Your webhook endpoints and what was sent to them, as frozen records."""

from dataclasses import dataclass, field
from datetime import datetime

from offerhub.sdk.records import Record


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint(Record):
    id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NewWebhookEndpoint(WebhookEndpoint):
    """With its new secret. `secret` signs the webhooks, shown this once and kept out of `repr`."""

    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class WebhookDelivery(Record):
    """One event on its way to one endpoint: PENDING, SUCCEEDED, FAILED or DISCARDED."""

    id: str
    endpoint_id: str
    event_id: str
    status: str
    attempts: int
    created_at: datetime
    updated_at: datetime
    next_attempt_at: datetime | None = None
    last_status_code: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, kw_only=True)
class WebhookTest(Record):
    """What came back from a sample: `accepted` is whether it was 2xx."""

    accepted: bool
    status_code: int | None = None
    error: str | None = None

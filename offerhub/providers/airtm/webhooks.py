"""Airtm's webhooks: signed through Svix, with a body that is a hint.

Its bodies have no event id: the id header is what makes an event one event. What counts is what
Airtm answers when asked. Not here: the signature itself (`providers.signed_webhooks`).
"""

from collections.abc import Mapping
from typing import Any

from offerhub.ports.webhooks import VerifiedWebhook
from offerhub.providers import jsontext
from offerhub.providers.signed_webhooks import TOLERANCE_S, SignedWebhooks

__all__ = ["TOLERANCE_S", "AirtmWebhooks"]


class AirtmWebhooks(SignedWebhooks):
    """Implements `ports.webhooks.WebhookVerifier`."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> VerifiedWebhook:
        """Check the raw bytes, then read type and subject. `now_s`: epoch seconds.

        Raises: SignatureInvalid; ValueError for a signed but unreadable body.
        """
        return _read_event(self.event_id(headers, body, now_s=now_s), body)


def _read_event(event_id: str, body: bytes) -> VerifiedWebhook:
    event: Any = jsontext.decode(body)
    event_type = event.get("type") if isinstance(event, dict) else None
    data = event.get("data") if isinstance(event, dict) else None
    if not (isinstance(event_type, str) and event_type and isinstance(data, dict)):
        raise ValueError(f"the body of webhook {event_id} is no envelope of type and data")
    code = data.get("code")
    return VerifiedWebhook(
        event_id=event_id, event_type=event_type, code=code if isinstance(code, str) else None
    )

"""Signed webhooks about escrow contracts, for deployments that have an arrangement for them.

Trustless Work publishes none, so there is no form to hold them to: whatever object is signed is
accepted, and all that is looked for is the address of a contract. It wakes the work on that
contract; what counts is what the contract's state says when it is read.
Source: providers/trustless-work, "Webhooks".
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from offerhub.ports.webhooks import VerifiedWebhook
from offerhub.providers import jsontext
from offerhub.providers.signed_webhooks import SignedWebhooks

_CONTRACT: Final = re.compile(r"C[A-Z2-7]{55}", re.ASCII)
_CONTRACT_FIELDS: Final = ("contractId", "contract_id")
_TYPE_FIELDS: Final = ("type", "event")
_MOST_TYPE: Final = 64


class TrustlessWorkWebhooks(SignedWebhooks):
    """Implements `ports.webhooks.WebhookVerifier`; `code` is the contract's address."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now_s: int) -> VerifiedWebhook:
        """Check the raw bytes, then look for a contract. `now_s`: epoch seconds.

        Raises: SignatureInvalid; ValueError for a signed body that is no JSON object.
        """
        event_id = self.event_id(headers, body, now_s=now_s)
        event: Any = jsontext.decode(body)
        if not isinstance(event, dict):
            raise ValueError(f"the body of webhook {event_id} is no object")  # noqa: TRY004
        return VerifiedWebhook(event_id=event_id, event_type=_type(event), code=_contract(event))


def _type(event: dict[str, Any]) -> str:
    for name in _TYPE_FIELDS:
        said = event.get(name)
        if isinstance(said, str) and said:
            return said[:_MOST_TYPE]
    return "unknown"


def _contract(event: dict[str, Any]) -> str | None:
    data = event.get("data")
    for part in (event, data if isinstance(data, dict) else {}):
        for name in _CONTRACT_FIELDS:
            said = part.get(name)
            if isinstance(said, str) and _CONTRACT.fullmatch(said):
                return said
    return None

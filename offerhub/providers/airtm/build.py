"""An Airtm adapter from plain values. Not here: reading settings."""

from offerhub.ports.limits import OutboundLimiter
from offerhub.providers.airtm import reasons
from offerhub.providers.airtm.adapter import AirtmPayments
from offerhub.providers.airtm.mapping import PROVIDER
from offerhub.providers.http import CallHook, HttpClient


def build_airtm(
    *,
    base_url: str,
    api_key: str,
    api_secret: str,
    checkout_url_template: str,
    limiter: OutboundLimiter,
    on_call: CallHook | None = None,
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = 30.0,
    deadline_s: float = 40.0,
) -> AirtmPayments:
    """The adapter with its own HTTP client (Basic authentication).

    Raises: ValueError for an address, template or credentials that cannot work.
    """
    if not api_key or not api_secret or ":" in api_key:
        raise ValueError("Airtm needs an API key, without a colon, and a secret")
    http = HttpClient(
        provider=PROVIDER,
        base_url=base_url,
        basic_auth=(api_key, api_secret),
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
        deadline_s=deadline_s,
        judge=reasons.judge,
        on_call=on_call,
    )
    return AirtmPayments(http=http, limiter=limiter, checkout_url_template=checkout_url_template)

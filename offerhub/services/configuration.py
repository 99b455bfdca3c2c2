"""What a client may know of the caller and of the deployment; never a secret."""

from typing import Any

from offerhub.domain.fees import MAX_PLATFORM_FEE_BPS, PROTOCOL_FEE_BPS
from offerhub.domain.money import CURRENCY, MAX_STROOPS, format_amount
from offerhub.domain.orders import MAX_MILESTONES
from offerhub.services.context import Context
from offerhub.services.credentials import Principal
from offerhub.services.representations import timestamp
from offerhub.services.tokens import DEFAULT_TTL_S, MAX_TTL_S, MIN_TTL_S

FEATURES = {
    "airtm_topups": True,
    "airtm_withdrawals": True,
    "chain_deposits": True,
    "chain_withdrawals": True,
    "bank_withdrawals": False,
    "escrow": True,
    "event_stream": True,
    "user_tokens": True,
}


def me(ctx: Context, who: Principal) -> dict[str, Any]:
    """The caller, as this deployment knows it."""
    policy = ctx.app.policy
    return {
        "type": who.type,
        "key_id": who.key_id,
        "name": who.name,
        "scopes": list(who.scopes),
        "user_id": who.user_id,
        "marketplace_id": policy.marketplace_id,
        "environment": policy.environment,
        "expires_at": timestamp(who.expires_at),
    }


def describe(ctx: Context) -> dict[str, Any]:
    """Features, limits, fees and providers of this deployment."""
    policy = ctx.app.policy
    return {
        "marketplace_id": policy.marketplace_id,
        "environment": policy.environment,
        "currency": CURRENCY,
        "currencies": [CURRENCY],
        "features": dict(FEATURES),
        "limits": {
            "rate_limits_per_min": dict(policy.rate_limits_per_min),
            "streams_per_token": policy.streams_per_token,
            "streams_per_key": policy.streams_per_key,
            "page_rows_max": 100,
            "body_bytes_max": 1024 * 1024,
            "metadata_bytes_max": 4096,
            "amount_min": "0.01",
            "amount_max": format_amount(MAX_STROOPS),
            "milestones_max": MAX_MILESTONES,
            "platform_fee_bps_max": MAX_PLATFORM_FEE_BPS,
            "topup_expiry_h": policy.topup_expiry_ms // 3_600_000,
            "token_ttl_s_min": MIN_TTL_S,
            "token_ttl_s_max": MAX_TTL_S,
            "token_ttl_s_default": DEFAULT_TTL_S,
        },
        "providers": {
            "airtm": {"webhooks_configured": ctx.app.airtm_webhooks.configured},
            "trustless_work": {"webhooks_configured": ctx.app.escrow_webhooks.configured},
            "stellar": {
                "network": policy.network_passphrase,
                "usdc_issuer": policy.usdc_issuer,
                "treasury_address": ctx.app.platform_keys.treasury.address,
            },
        },
        "fees": {
            "platform_fee_bps": policy.platform_fee_bps,
            "protocol_fee_bps": PROTOCOL_FEE_BPS,
            "airtm_fee_bearer": policy.airtm_fee_bearer,
        },
    }

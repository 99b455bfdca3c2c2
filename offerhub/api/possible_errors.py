"""Which codes of the catalogue each operation can answer, for its description.

What a route declares says most of it: credentials, body, amounts, keys, the ids in its path. What
its service refuses is named here, by operation. Tests hold every answer to this list; what it has
and no test provokes is what a provider or a race may cause.
"""

from typing import Any, Final

from offerhub.api.access import Access, Idempotency
from offerhub.domain.errors import CATALOG

AMOUNT_EXAMPLE: Final = "100.00"  # every amount of a request has it (`schemas.fields.Amount`)
ALWAYS: Final = ("RATE_LIMITED", "INTERNAL_ERROR", "PROVIDER_UNAVAILABLE")
CREDENTIALS: Final = ("UNAUTHORIZED", "INVALID_API_KEY", "INSUFFICIENT_SCOPE", "INVALID_REQUEST")
BODY: Final = (
    "INVALID_REQUEST", "VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE",
)  # fmt: skip
KEYS: Final = ("VALIDATION_ERROR", "IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_IN_PROGRESS")
# What is answered when nothing has the id in a path, by the name of its parameter.
MISSING: Final = {
    "user_id": "USER_NOT_FOUND",
    "order_id": "ORDER_NOT_FOUND",
    "topup_id": "TOPUP_NOT_FOUND",
    "withdrawal_id": "WITHDRAWAL_NOT_FOUND",
    "key_id": "API_KEY_NOT_FOUND",
    "dispute_id": "DISPUTE_NOT_FOUND",
    "milestone_ref": "MILESTONE_NOT_FOUND",
    **dict.fromkeys(
        ("endpoint_id", "delivery_id", "operation_id", "reconciliation_id", "letter_id"),
        "NOT_FOUND",
    ),
}

_PROVIDER: Final = "PROVIDER_ERROR PROVIDER_RATE_LIMITED PROVIDER_UNAVAILABLE PROVIDER_TIMEOUT"
_CHAIN: Final = f"{_PROVIDER} STELLAR_NETWORK_ERROR"
_MILESTONE: Final = "ESCROW_NOT_FOUND INVALID_STATE ESCROW_NOT_READY"
_PAYOUT: Final = f"{_MILESTONE} ESCROW_INVALID_STATE"
_DOOR: Final = "WEBHOOK_SIGNATURE_INVALID INVALID_REQUEST PAYLOAD_TOO_LARGE"

# By operation id; codes that the route's own declarations imply are left out.
OF_SERVICES: Final[dict[str, str]] = {
    "create_token": "USER_NOT_FOUND",
    "create_user": "USER_ALREADY_EXISTS",
    "update_user": "INVALID_STATE",
    "link_airtm": f"AIRTM_USER_INVALID AIRTM_USER_ALREADY_LINKED {_PROVIDER}",
    "get_wallet": "WALLET_NOT_FOUND",
    "get_deposit_instructions": "WALLET_NOT_FOUND",
    "list_wallet_transactions": "WALLET_NOT_FOUND",
    "sync_balance": f"WALLET_NOT_FOUND {_CHAIN}",
    "adjust_balance": "INSUFFICIENT_FUNDS",
    "create_topup": "USER_NOT_FOUND USER_SUSPENDED AIRTM_USER_NOT_LINKED",
    "refresh_topup": _PROVIDER,
    "cancel_topup": "INVALID_STATE",
    "create_order": "USER_NOT_FOUND DUPLICATE_CLIENT_ORDER_REF",
    "reserve_order": "FUNDS_ALREADY_RESERVED INVALID_STATE USER_SUSPENDED"
    " RESERVE_MISMATCH_AMOUNT INSUFFICIENT_FUNDS",
    "cancel_order": "INVALID_STATE RESERVE_NOT_FOUND",
    "create_escrow": "ESCROW_ALREADY_EXISTS INVALID_STATE RESERVE_NOT_FOUND ESCROW_NOT_READY"
    " USER_SUSPENDED WALLET_NOT_FOUND",
    "fund_escrow": "ESCROW_NOT_FOUND ESCROW_NOT_READY ESCROW_ALREADY_FUNDED USER_SUSPENDED",
    "release_order": _PAYOUT,
    "refund_order": _PAYOUT,
    "complete_milestone": _MILESTONE,
    "release_milestone": _PAYOUT,
    "open_dispute": f"DISPUTE_ALREADY_OPEN MILESTONE_NOT_FOUND {_PAYOUT}",
    "assign_dispute": "INVALID_STATE",
    "comment_on_dispute": "INVALID_STATE",
    "resolve_dispute": "ESCROW_NOT_FOUND INVALID_STATE ESCROW_NOT_READY",
    "create_withdrawal": "USER_NOT_FOUND USER_SUSPENDED WITHDRAWAL_DESTINATION_INVALID"
    f" AIRTM_USER_NOT_LINKED INSUFFICIENT_FUNDS {_CHAIN}",
    "commit_withdrawal": "WITHDRAWAL_NOT_COMMITTABLE USER_SUSPENDED",
    "refresh_withdrawal": _PROVIDER,
    "cancel_withdrawal": "INVALID_STATE",
    "retry_dead_letter": "INVALID_STATE",
    "discard_dead_letter": "INVALID_STATE",
    "retry_operation": "INVALID_STATE",
    "settle_operation": "INVALID_STATE ESCROW_INVALID_STATE",
    "run_reconciliation": _CHAIN,
    "record_treasury_movement": f"WITHDRAWAL_DESTINATION_INVALID {_CHAIN}",
    "receive_airtm": _DOOR,
    "receive_trustless_work": _DOOR,
    "get_metrics": "UNAUTHORIZED INVALID_API_KEY NOT_FOUND",
}


def codes_of(
    name: str,
    *,
    declared: Access,
    rule: Idempotency | None,
    method: str,
    arguments: set[str],
    query: list[dict[str, Any]],
    body: dict[str, Any] | None,
) -> list[str]:
    """In the catalogue's order. query: its parameters; body: its schema with all that it refers to.

    name: the operation's id.
    """
    found = {*ALWAYS, *OF_SERVICES.get(name, "").split()}
    if not declared.public:
        found |= set(CREDENTIALS)
        found |= {MISSING[one] for one in arguments if one in MISSING}
        if method != "get" and not declared.always:
            found.add("MAINTENANCE")
    if query:
        found.add("VALIDATION_ERROR")
    if any(parameter.get("required") for parameter in query) or (rule and rule.required):
        found.add("MISSING_REQUIRED_FIELD")
    if rule is not None:
        found |= set(KEYS)
    if body is not None:
        found |= set(BODY) | _codes_of_fields(body)
    return [code for code in CATALOG if code in found]


def _codes_of_fields(schema: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    if schema.get("required"):
        found.add("MISSING_REQUIRED_FIELD")
    for part in (schema, *schema.get("properties", {}).values(), schema.get("items")):
        if not isinstance(part, dict):
            continue
        if part.get("example") == AMOUNT_EXAMPLE:
            found |= {"INVALID_AMOUNT_FORMAT", "INVALID_AMOUNT"}
        if part.get("enum") in (["USD"], ["USD", None]):
            found.add("INVALID_CURRENCY")
        if part is not schema:
            found |= _codes_of_fields(part)
    return found

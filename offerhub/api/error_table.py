"""The catalogue of errors as a page of the manual."""

from typing import Final

from offerhub.domain.errors import CATALOG

_RETRY: Final = {
    "no": "no",
    "later": "yes, the same request again",
    "after_change": "after a change of the request or the state",
}

# What the marketplace's own code, or whoever looks after it, does about each.
TO_DO: Final = {
    "UNAUTHORIZED": "Send `Authorization: Bearer` and a key.",
    "INVALID_API_KEY": "Stop; use a key that is valid, or have one made. Mint a new token.",
    "INSUFFICIENT_SCOPE": "Use a key with `required_scope`; ask an admin for one.",
    "VALIDATION_ERROR": "Put right the fields that `details.fields` names.",
    "INVALID_AMOUNT_FORMAT": "Send text with two decimals; never a number.",
    "INVALID_CURRENCY": "Send `USD`, or leave the currency out.",
    "MISSING_REQUIRED_FIELD": "Add the fields or the header that `details.fields` names.",
    "INVALID_REQUEST": "Send one JSON value in UTF-8, and each parameter once.",
    "INVALID_AMOUNT": "Ask for an amount within the limits that `GET /config` shows.",
    "WEBHOOK_SIGNATURE_INVALID": "Compare the secrets of both sides, and the clock; sign the raw"
    " bytes.",
    "USER_NOT_FOUND": "Look at the id; register the user first.",
    "ORDER_NOT_FOUND": "Look at the id; `GET /orders?client_order_ref=` finds it by yours.",
    "TOPUP_NOT_FOUND": "Look at the id.",
    "ESCROW_NOT_FOUND": "Ask for the escrow first: `POST /orders/{id}/escrow`.",
    "MILESTONE_NOT_FOUND": "Look at `GET /orders/{id}/milestones`.",
    "DISPUTE_NOT_FOUND": "Look at the id.",
    "WITHDRAWAL_NOT_FOUND": "Look at the id.",
    "WALLET_NOT_FOUND": "Tell the operator: each user should have one.",
    "API_KEY_NOT_FOUND": "Look at `GET /auth/api-keys`; a revoked key makes no tokens.",
    "RESERVE_NOT_FOUND": "Tell the operator: the order says `FUNDS_RESERVED` and the books do not.",
    "NOT_FOUND": "Look at the address and the id.",
    "METHOD_NOT_ALLOWED": "Use a method that the `Allow` header names.",
    "USER_ALREADY_EXISTS": "Go on with the user whom `GET /users?external_user_id=` finds.",
    "AIRTM_USER_ALREADY_LINKED": "Ask the person for another account, or have the operator look.",
    "FUNDS_ALREADY_RESERVED": "Go on: what you wanted has happened.",
    "INVALID_STATE": "Read the resource; `allowed_states` says what may come next.",
    "ESCROW_ALREADY_EXISTS": "Go on with the escrow that the order shows.",
    "ESCROW_NOT_READY": "Wait until `operation` is null, or a second, and repeat.",
    "ESCROW_ALREADY_FUNDED": "Go on: it is funded, or being funded.",
    "ESCROW_INVALID_STATE": "Read the order; something else is being done to its escrow.",
    "DISPUTE_ALREADY_OPEN": "Go on with the dispute that the order shows.",
    "DUPLICATE_CLIENT_ORDER_REF": "Go on with the order that has it, or choose another reference.",
    "WITHDRAWAL_NOT_COMMITTABLE": "Read the withdrawal; it is under way, or over.",
    "IDEMPOTENCY_KEY_REUSED": "Use a new key for a new request.",
    "IDEMPOTENCY_KEY_IN_PROGRESS": "Wait `Retry-After`, and repeat with the same key.",
    "PAYLOAD_TOO_LARGE": "Send less.",
    "UNSUPPORTED_MEDIA_TYPE": "Send `Content-Type: application/json`, not compressed.",
    "AIRTM_USER_NOT_LINKED": "Link the account: `POST /users/{id}/airtm/link`.",
    "AIRTM_USER_INVALID": "Tell the person what the message says of the account.",
    "USER_SUSPENDED": "Have the user looked at; `PATCH` the status to `ACTIVE` lifts it.",
    "INSUFFICIENT_FUNDS": "Have the user top up; then a new key, since this answer is kept.",
    "RESERVE_MISMATCH_AMOUNT": "Leave the amount out, or send `details.expected`.",
    "ESCROW_INSUFFICIENT_FUNDS": "Tell the operator; only ever the `last_error` of an operation.",
    "ESCROW_FUNDING_FAILED": "Tell the operator; only ever the `last_error` of an operation.",
    "WITHDRAWAL_DESTINATION_INVALID": "Tell the person what the message says of the destination.",
    "RATE_LIMITED": "Wait `Retry-After`, and repeat.",
    "INTERNAL_ERROR": "Repeat with the same key; tell the operator the `request_id`.",
    "PROVIDER_ERROR": "Tell the operator the `request_id`: the provider said no.",
    "PROVIDER_RATE_LIMITED": "Wait, and repeat with the same key.",
    "STELLAR_NETWORK_ERROR": "Wait, and repeat with the same key.",
    "PROVIDER_UNAVAILABLE": "Wait `Retry-After`, and repeat with the same key.",
    "MAINTENANCE": "Wait `Retry-After`, and repeat with the same key; reads go on.",
    "PROVIDER_TIMEOUT": "Repeat with the same key: what may have happened is looked up.",
    "WEBHOOK_DUPLICATE_IGNORED": 'Nothing: it is answered `{"duplicate": true}`.',
}

_HEAD: Final = """\
# Errors

Every refusal has one shape:

```json
{
  "error": {
    "code": "INSUFFICIENT_FUNDS",
    "message": "The available balance is too low.",
    "details": {},
    "request_id": "req_V1StGXR8_Z5jdHi6B-myT"
  }
}
```

`code` is for programs, `message` for people; messages may get better, codes stay. `details` is
always an object. For bad fields it holds `fields`, each with `field` and `message`; for a refused
change of state `current_state` and `allowed_states`; for a missing scope `required_scope` and
`current_scopes`. Answers with 429 and 503 carry `Retry-After` in seconds. Quote `request_id` when
you ask for help.

When all bad fields have the same trouble, the code says which: `MISSING_REQUIRED_FIELD`,
`INVALID_AMOUNT_FORMAT`, `INVALID_AMOUNT` or `INVALID_CURRENCY`; otherwise it is
`VALIDATION_ERROR`.

A provider's own words never reach you; the operator's log has them under the request id.

Which codes an operation can answer is in the OpenAPI document: an example of each under its status,
and all of them as `x-error-codes`. What long work on a resource ran into is `operation.last_error`.

| code | HTTP | what it says | worth repeating | what to do |
|---|---|---|---|---|
"""


def page() -> str:
    """Markdown, in the catalogue's order."""
    rows = [
        f"| `{entry.code}` | {entry.status} | {entry.message} | {_RETRY[entry.retry]} |"
        f" {TO_DO[entry.code]} |"
        for entry in CATALOG.values()
    ]
    return _HEAD + "\n".join(rows) + "\n"

"""Airtm's words into ours: statuses, reason codes, amounts, records. Pure; knows no HTTP client.

Not here: which call to make when (`adapter`).
Source: Airtm Enterprise API v2, versions 1.87 and 1.155 of its description. What that leaves open
is answered the careful way: a status we cannot place is UNCLEAR, a code we do not know is judged by
its HTTP status.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from offerhub.domain.errors import InvalidAmountFormat
from offerhub.domain.moments import moment_ms
from offerhub.domain.money import STROOPS_PER_CENT, from_decimal, is_whole_cents
from offerhub.ports.payments import (
    EnterpriseBalance,
    Payin,
    PayinStatus,
    PaymentAccount,
    Payout,
    PayoutStatus,
    ReturnedPayout,
)

PROVIDER: Final = "airtm"

# BRIDGE_FAILED and BRIDGE_CANCELED come from the banking partner; whether they are final is not
# documented, so they decide nothing.
PAYIN_STATUS: Final[Mapping[str, PayinStatus]] = {
    "CREATED": PayinStatus.AWAITING,
    "PROCESSING": PayinStatus.PROCESSING,
    "CONFIRMED": PayinStatus.SUCCEEDED,
    "CANCELED": PayinStatus.CANCELED,
    "FAILED": PayinStatus.FAILED,
    "BRIDGE_FAILED": PayinStatus.UNCLEAR,
    "BRIDGE_CANCELED": PayinStatus.UNCLEAR,
}

# Only COMPLETED pays and only FAILED and CANCELED give back. ERROR is repaired by Airtm and may
# still pay; BRIDGE_COMPLETED and COSMOEM_COMPLETED are a sub-system's end, not the payment's.
PAYOUT_STATUS: Final[Mapping[str, PayoutStatus]] = {
    "CREATED": PayoutStatus.CREATED,
    "COMMITTED": PayoutStatus.COMMITTED,
    "PROCESSING": PayoutStatus.PENDING,
    "PENDING_SIGNATURE": PayoutStatus.PENDING,
    "SIGNED": PayoutStatus.PENDING,
    "BRIDGE_CREATED": PayoutStatus.PENDING,
    "CANCEL_REQUESTED": PayoutStatus.PENDING,
    "BRIDGE_COMPLETED": PayoutStatus.PENDING,
    "COSMOEM_COMPLETED": PayoutStatus.PENDING,
    "PENDING": PayoutStatus.PENDING_USER_ACTION,
    "PENDING_USER_ACTION": PayoutStatus.PENDING_USER_ACTION,
    "BRIDGE_USER_SIGNUP_PENDING": PayoutStatus.PENDING_USER_ACTION,
    "COMPLETED": PayoutStatus.COMPLETED,
    "FAILED": PayoutStatus.FAILED,
    "CANCELED": PayoutStatus.CANCELED,
    "ERROR": PayoutStatus.UNCLEAR,
    "BRIDGE_FAILED": PayoutStatus.UNCLEAR,
    "BRIDGE_MAX_RETRIES_REACHED": PayoutStatus.UNCLEAR,
}

_LARGEST_EXPONENT: Final = 12
# Airtm publishes no rule for codes; this alphabet and length hold our own ids.
_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Unreadable(ValueError):
    """An answer that is not what Airtm's description promises; the message names the member."""


def check_code(code: str) -> None:
    """Raises: ValueError for a code that Airtm may not take; our own ids all are ones."""
    if not _CODE.fullmatch(code):
        raise ValueError("a code for Airtm is 1 to 64 letters, digits, underscores or hyphens")


def cents_number(amount_stroops: int) -> Decimal:
    """The JSON number that Airtm takes: USD with two decimals, exact.

    Raises: ValueError unless it is a positive whole number of cents.
    """
    if amount_stroops <= 0 or not is_whole_cents(amount_stroops):
        raise ValueError("Airtm takes a positive, whole number of cents")
    return Decimal(amount_stroops // STROOPS_PER_CENT).scaleb(-2)


def read_payin(body: Any, *, checkout_url_template: str) -> Payin:
    """A PayinResponse. The checkout page is built from its id, for no member holds it.

    Raises: Unreadable.
    """
    record = _record(body)
    provider_id = _text(record, "id")
    raw_status = _text(record, "status").upper()
    amount, net = _amount(record, "amount"), _amount(record, "netAmount")
    return Payin(
        provider_id=provider_id,
        code=_text(record, "code"),
        status=PAYIN_STATUS.get(raw_status, PayinStatus.UNCLEAR),
        raw_status=raw_status,
        amount_stroops=amount,
        net_stroops=net,
        fee_stroops=_fee(amount, net),
        checkout_url=checkout_url_template.replace("{id}", provider_id),
        updated_at_ms=_time_ms(record, "updatedAt"),
        payer_id=_optional_text(record, "airtmUserId"),
        payer_email=_optional_text(record, "airtmUserEmail"),
        failure_reason=_optional_text(record, "failureReason"),
    )


def read_payout(body: Any) -> Payout:
    """A PayoutResponse. Members about the recipient's identity documents are never read.

    Raises: Unreadable.
    """
    record = _record(body)
    raw_status = _text(record, "status").upper()
    amount, net = _amount(record, "amount"), _amount(record, "netAmount")
    reason_code = record.get("reasonCode")
    return Payout(
        provider_id=_text(record, "id"),
        code=_text(record, "code"),
        status=PAYOUT_STATUS.get(raw_status, PayoutStatus.UNCLEAR),
        raw_status=raw_status,
        amount_stroops=amount,
        net_stroops=net,
        fee_stroops=_fee(amount, net),
        recipient_email=_text(record, "airtmUserEmail"),
        updated_at_ms=_time_ms(record, "updatedAt"),
        reason_code=code_text(reason_code),
        reason=_optional_text(record, "reasonDescription"),
    )


def items_of(body: Any) -> list[Any]:
    """The items of one page of a list. Raises: Unreadable."""
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list):
        raise Unreadable("a page has no items")
    return items


def read_listed_payout(body: Any) -> Payout:
    """A PayoutResponse of a list: one that was made without our code has `-` for it.

    Raises: Unreadable.
    """
    record = _record(body)
    return read_payout(record if record.get("code") else {**record, "code": "-"})


def read_account(body: Any) -> PaymentAccount:
    """A user, as `GET /users/{email}` describes one. Names are noted to exist, and dropped.

    Raises: Unreadable.
    """
    record = _record(body)
    verified = record.get("isVerified")
    if not isinstance(verified, bool):
        raise Unreadable("isVerified is not a boolean")
    return PaymentAccount(
        provider_id=_text(record, "id"),
        active=_text(record, "status").lower() == "active",
        verified=verified,
        has_name=bool(_optional_text(record, "firstName") and _optional_text(record, "lastName")),
        country=_optional_text(record, "country"),
    )


def read_balance(body: Any) -> EnterpriseBalance:
    """The enterprise's own balance. Raises: Unreadable."""
    record = _record(body)
    return EnterpriseBalance(
        available_stroops=_amount(record, "available", may_be_negative=True),
        pending_stroops=_amount(record, "pending"),
    )


def read_enterprise_id(body: Any) -> str:
    """Whose credentials these are, from `GET /me`. Raises: Unreadable."""
    return _text(_record(body), "id")


def code_text(value: Any) -> str | None:
    """A reason code as text: the description says string, its example shows a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _record(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Unreadable("the body is not an object")
    return body


def read_returns(body: Any) -> list[ReturnedPayout]:
    """The returned pay-outs of one page of deposits. Raises: Unreadable."""
    items = body.get("items") if isinstance(body, Mapping) else None
    if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
        raise Unreadable("items is not a list of deposits")
    return [
        ReturnedPayout(
            provider_id=_text(one, "id"),
            payout_id=_optional_text(one, "refundedPayoutId"),
            amount_stroops=_amount(one, "amount"),
        )
        for one in items
        if str(one.get("type")).lower() == "refunded"
    ]


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is not text")
    return value


def _optional_text(record: Mapping[str, Any], name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def _amount(record: Mapping[str, Any], name: str, *, may_be_negative: bool = False) -> int:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unreadable(f"{name} is not a number")
    number = Decimal(value)
    # An exponent such as 1e999999 would take for ever to write out as an integer.
    if number and number.adjusted() > _LARGEST_EXPONENT:
        raise Unreadable(f"{name} is too large for an amount")
    if number < 0 and not may_be_negative:
        raise Unreadable(f"{name} is negative")
    try:
        return from_decimal(number)
    except InvalidAmountFormat as error:
        raise Unreadable(f"{name} is not a whole number of stroops") from error


def _fee(amount_stroops: int, net_stroops: int) -> int:
    if net_stroops > amount_stroops:
        raise Unreadable("netAmount is above amount")
    return amount_stroops - net_stroops


def _time_ms(record: Mapping[str, Any], name: str) -> int:
    try:
        return moment_ms(_text(record, name))
    except ValueError as error:
        raise Unreadable(f"{name} is not a time with a zone") from error

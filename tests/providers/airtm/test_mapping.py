"""Airtm's words into ours: every documented status, and answers that are not what was promised."""

from decimal import Decimal
from typing import Any

import pytest

from offerhub.ports.payments import PayinStatus, PayoutStatus
from offerhub.providers.airtm import mapping
from offerhub.providers.airtm.mapping import Unreadable

PAYIN: dict[str, Any] = {
    "id": "5b0f1c7e-2a55-4f0e-9f5f-3f5b8f1f0a11",
    "code": "topup_demo1",
    "status": "CONFIRMED",
    "amount": 50,
    "netAmount": Decimal("48.75"),
    "airtmFee": Decimal("1.25"),
    "description": "Wallet top-up",
    "items": [],
    "createdAt": "2026-01-10T12:00:00.000Z",
    "updatedAt": "2026-01-10T12:03:00.123Z",
    "confirmationUri": "https://shop.example/ok",
    "cancelUri": "https://shop.example/no",
}
PAYOUT: dict[str, Any] = {
    "id": "8f6f3c0e-5d2b-4a1e-9c57-0d3a6b1f2e44",
    "code": "wd_demo1",
    "airtmUserId": "1d0a4b7c-93f2-4e7a-8b21-6a5c4d3e2f10",
    "airtmUserEmail": "ana@example.com",
    "status": "COMPLETED",
    "grossAmount": 20,
    "amount": 20,
    "netAmount": Decimal("19.8"),
    "airtmFee": Decimal("0.2"),
    "createdAt": "2026-01-10T12:00:00.000Z",
    "updatedAt": "2026-01-10T12:01:30.000Z",
    "kycInformation": {"fullName": "Ana Example", "identificationNumber": "X-123"},
}


def payin(**changes: Any) -> Any:
    return mapping.read_payin(
        {**PAYIN, **changes}, checkout_url_template="https://app.example/payin/{id}"
    )


def payout(**changes: Any) -> Any:
    return mapping.read_payout({**PAYOUT, **changes})


# The table of the provider's contract, written out once more on purpose.
PAYIN_TABLE = {
    "CREATED": "AWAITING",
    "PROCESSING": "PROCESSING",
    "CONFIRMED": "SUCCEEDED",
    "CANCELED": "CANCELED",
    "FAILED": "FAILED",
    "BRIDGE_FAILED": "UNCLEAR",
    "BRIDGE_CANCELED": "UNCLEAR",
}
PAYOUT_TABLE = {
    "CREATED": "CREATED",
    "COMMITTED": "COMMITTED",
    "PROCESSING": "PENDING",
    "PENDING_SIGNATURE": "PENDING",
    "SIGNED": "PENDING",
    "BRIDGE_CREATED": "PENDING",
    "CANCEL_REQUESTED": "PENDING",
    "BRIDGE_COMPLETED": "PENDING",
    "COSMOEM_COMPLETED": "PENDING",
    "PENDING": "PENDING_USER_ACTION",
    "PENDING_USER_ACTION": "PENDING_USER_ACTION",
    "BRIDGE_USER_SIGNUP_PENDING": "PENDING_USER_ACTION",
    "COMPLETED": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELED": "CANCELED",
    "ERROR": "UNCLEAR",
    "BRIDGE_FAILED": "UNCLEAR",
    "BRIDGE_MAX_RETRIES_REACHED": "UNCLEAR",
}


def test_the_tables_are_complete() -> None:
    assert set(mapping.PAYIN_STATUS) == set(PAYIN_TABLE)
    assert set(mapping.PAYOUT_STATUS) == set(PAYOUT_TABLE)


@pytest.mark.parametrize(("theirs", "ours"), PAYIN_TABLE.items())
def test_every_payin_status_is_mapped_whatever_its_case(theirs: str, ours: str) -> None:
    for written in (theirs, theirs.lower()):
        read = payin(status=written)
        assert read.status is PayinStatus[ours]
        assert read.raw_status == theirs


@pytest.mark.parametrize(("theirs", "ours"), PAYOUT_TABLE.items())
def test_every_payout_status_is_mapped_whatever_its_case(theirs: str, ours: str) -> None:
    for written in (theirs, theirs.lower()):
        read = payout(status=written)
        assert read.status is PayoutStatus[ours]
        assert read.raw_status == theirs


def test_a_status_nobody_told_us_about_is_unclear_and_kept() -> None:
    assert (payin(status="TELEPORTED").status, payin(status="TELEPORTED").raw_status) == (
        PayinStatus.UNCLEAR,
        "TELEPORTED",
    )
    assert payout(status="TELEPORTED").status is PayoutStatus.UNCLEAR


def test_a_payin_is_read_in_stroops_with_its_checkout_page() -> None:
    read = payin(airtmUserId="u-1", airtmUserEmail="ana@example.com", failureReason="none")
    assert read.amount_stroops == 500_000_000
    assert read.net_stroops == 487_500_000
    assert read.fee_stroops == 12_500_000
    assert read.checkout_url == f"https://app.example/payin/{PAYIN['id']}"
    assert read.updated_at_ms == 1_768_046_580_123
    assert (read.payer_id, read.payer_email) == ("u-1", "ana@example.com")
    assert read.failure_reason == "none"


def test_nobody_has_paid_yet() -> None:
    read = payin(status="CREATED")
    assert (read.payer_id, read.payer_email, read.failure_reason) == (None, None, None)


def test_a_payout_is_read_without_identity_documents() -> None:
    read = payout()
    assert (read.amount_stroops, read.net_stroops, read.fee_stroops) == (
        200_000_000,
        198_000_000,
        2_000_000,
    )
    assert read.recipient_email == "ana@example.com"
    assert "Ana Example" not in repr(read)
    assert "X-123" not in repr(read)


@pytest.mark.parametrize(
    ("given", "read"), [("415073", "415073"), (415073, "415073"), (None, None), (True, None)]
)
def test_a_reason_code_may_be_text_or_a_number(given: Any, read: str | None) -> None:
    assert payout(reasonCode=given).reason_code == read


def test_times_in_another_zone_are_converted() -> None:
    assert payin(updatedAt="2026-01-10T14:03:00.123+02:00").updated_at_ms == 1_768_046_580_123


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"code": 7},
        {"status": None},
        {"amount": "50.00"},
        {"amount": True},
        {"amount": None},
        {"amount": -1},
        {"amount": Decimal("0.00000001")},
        {"amount": Decimal("1E+999999")},
        {"amount": 10**15},
        {"netAmount": Decimal("50.01")},
        {"updatedAt": "yesterday"},
        {"updatedAt": "2026-01-10T12:03:00"},
        {"updatedAt": 1},
    ],
    ids=str,
)
def test_a_payin_that_is_not_what_was_promised_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payin(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 1},
        {"code": None},
        {"status": 3},
        {"amount": "20"},
        {"netAmount": 21},
        {"airtmUserEmail": None},
    ],
    ids=str,
)
def test_a_payout_that_is_not_what_was_promised_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        payout(**changes)


@pytest.mark.parametrize("body", [None, [], "text", 3])
def test_a_body_that_is_no_object_is_unreadable(body: Any) -> None:
    for reader in (mapping.read_payout, mapping.read_account, mapping.read_balance):
        with pytest.raises(Unreadable):
            reader(body)


@pytest.mark.parametrize(
    ("changes", "active", "has_name", "country"),
    [
        ({"firstName": "A", "lastName": "B", "country": "MEX"}, True, True, "MEX"),
        ({"status": "ACTIVE", "firstName": "A"}, True, False, None),
        ({"status": "inactive"}, False, False, None),
        ({"status": "anything else"}, False, False, None),
    ],
)
def test_an_account(
    changes: dict[str, Any], active: bool, has_name: bool, country: str | None
) -> None:
    body = {"id": "u-1", "status": "active", "primaryEmail": True, "isVerified": True, **changes}
    read = mapping.read_account(body)
    assert (read.provider_id, read.active, read.verified) == ("u-1", active, True)
    assert (read.has_name, read.country) == (has_name, country)


def test_an_account_that_does_not_say_if_it_is_verified_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        mapping.read_account({"id": "u-1", "status": "active", "isVerified": "yes"})


def test_our_own_balance_may_be_overdrawn() -> None:
    read = mapping.read_balance({"available": Decimal("-0.5"), "pending": 20})
    assert (read.available_stroops, read.pending_stroops) == (-5_000_000, 200_000_000)


@pytest.mark.parametrize(
    ("stroops", "number"),
    [(100_000, "0.01"), (500_000_000, "50.00"), (10_000_000_000_000, "1000000.00")],
)
def test_amounts_go_out_with_two_decimals(stroops: int, number: str) -> None:
    assert format(mapping.cents_number(stroops), "f") == number


@pytest.mark.parametrize("stroops", [0, -100_000, 1, 99_999, 500_000_001])
def test_amounts_that_are_no_positive_whole_cents_do_not_go_out(stroops: int) -> None:
    with pytest.raises(ValueError, match="whole number of cents"):
        mapping.cents_number(stroops)

"""The error catalogue against the contract's list, which is written here a second time."""

import pytest

from offerhub.domain import errors
from offerhub.domain.errors import CATALOG, OfferHubError

CONTRACT = {
    401: "UNAUTHORIZED INVALID_API_KEY",
    403: "INSUFFICIENT_SCOPE",
    400: "VALIDATION_ERROR INVALID_AMOUNT_FORMAT INVALID_CURRENCY MISSING_REQUIRED_FIELD"
    " INVALID_REQUEST INVALID_AMOUNT WEBHOOK_SIGNATURE_INVALID",
    404: "USER_NOT_FOUND ORDER_NOT_FOUND TOPUP_NOT_FOUND ESCROW_NOT_FOUND MILESTONE_NOT_FOUND"
    " DISPUTE_NOT_FOUND WITHDRAWAL_NOT_FOUND WALLET_NOT_FOUND API_KEY_NOT_FOUND RESERVE_NOT_FOUND"
    " NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "USER_ALREADY_EXISTS AIRTM_USER_ALREADY_LINKED FUNDS_ALREADY_RESERVED INVALID_STATE"
    " ESCROW_ALREADY_EXISTS ESCROW_NOT_READY ESCROW_ALREADY_FUNDED ESCROW_INVALID_STATE"
    " DISPUTE_ALREADY_OPEN DUPLICATE_CLIENT_ORDER_REF WITHDRAWAL_NOT_COMMITTABLE"
    " IDEMPOTENCY_KEY_REUSED IDEMPOTENCY_KEY_IN_PROGRESS",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "AIRTM_USER_NOT_LINKED AIRTM_USER_INVALID USER_SUSPENDED INSUFFICIENT_FUNDS"
    " RESERVE_MISMATCH_AMOUNT ESCROW_INSUFFICIENT_FUNDS ESCROW_FUNDING_FAILED"
    " WITHDRAWAL_DESTINATION_INVALID",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    502: "PROVIDER_ERROR PROVIDER_RATE_LIMITED STELLAR_NETWORK_ERROR",
    503: "PROVIDER_UNAVAILABLE MAINTENANCE",
    504: "PROVIDER_TIMEOUT",
    200: "WEBHOOK_DUPLICATE_IGNORED",
}
STATUS_OF = {code: status for status, codes in CONTRACT.items() for code in codes.split()}
RETRY_LATER = {
    "ESCROW_NOT_READY",
    "IDEMPOTENCY_KEY_IN_PROGRESS",
    "RATE_LIMITED",
    "INTERNAL_ERROR",
    "PROVIDER_RATE_LIMITED",
    "STELLAR_NETWORK_ERROR",
    "PROVIDER_UNAVAILABLE",
    "MAINTENANCE",
    "PROVIDER_TIMEOUT",
}


def _subclasses(kind: type[OfferHubError]) -> set[type[OfferHubError]]:
    found = set(kind.__subclasses__())
    return found | {deeper for one in found for deeper in _subclasses(one)}


def test_the_catalogue_holds_exactly_the_codes_of_the_contract() -> None:
    assert set(CATALOG) == set(STATUS_OF)


@pytest.mark.parametrize("code", sorted(STATUS_OF))
def test_every_code_has_its_status_and_a_sentence(code: str) -> None:
    entry = CATALOG[code]
    assert entry.code == code
    assert entry.status == STATUS_OF[code]
    assert entry.message.endswith(".")
    assert entry.retry in {"no", "later", "after_change"}


def test_only_what_may_pass_by_itself_is_worth_the_same_request_again() -> None:
    assert {code for code, entry in CATALOG.items() if entry.retry == "later"} == RETRY_LATER


@pytest.mark.parametrize("code", sorted(STATUS_OF))
def test_an_error_carries_its_entry_and_its_details(code: str) -> None:
    error = OfferHubError(code=code, order_id="ord_1")
    assert (error.code, error.status) == (code, STATUS_OF[code])
    assert error.message == CATALOG[code].message
    assert error.details == {"order_id": "ord_1"}
    assert str(error) == f"{code}: {error.message}"


def test_a_code_outside_the_catalogue_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        OfferHubError(code="SOMETHING_ELSE")


def test_every_class_of_error_names_a_code_of_the_catalogue() -> None:
    import offerhub.domain.fees
    import offerhub.domain.scopes  # noqa: F401 - both add classes of their own

    kinds = _subclasses(OfferHubError)
    assert len(kinds) >= 10
    assert {kind.code for kind in kinds} <= set(CATALOG)


def test_a_refused_change_names_where_it_is_and_where_it_could_go() -> None:
    error = errors.InvalidState(current_state="CLOSED", allowed_states=("A", "B"), extra=1)
    assert error.status == 409
    assert error.details == {"current_state": "CLOSED", "allowed_states": ["A", "B"], "extra": 1}


def test_field_errors_name_their_field() -> None:
    for error in (
        errors.InvalidAmountFormat(field="amount"),
        errors.InvalidAmount("Too much.", field="amount"),
        errors.ValidationFailed("amount", "Too much."),
    ):
        assert error.details == {"fields": [{"field": "amount", "message": error.message}]}

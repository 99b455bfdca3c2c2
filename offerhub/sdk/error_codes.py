"""One class per error code of the API, with its HTTP status and whether a retry makes sense.

Catch a class (`except InsufficientFunds`) or its family (`except ConflictError`).
A test compares this table with the appliance's own catalogue.
"""

from offerhub.sdk.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermissionDenied,
    RateLimitError,
    ServerError,
    UnprocessableError,
)


class Unauthorized(AuthenticationError, code="UNAUTHORIZED", status=401):
    """No valid credentials were sent."""


class InvalidApiKey(AuthenticationError, code="INVALID_API_KEY", status=401):
    """The API key or token is unknown, revoked or expired."""


class InsufficientScope(PermissionDenied, code="INSUFFICIENT_SCOPE", status=403):
    """The credentials lack the scope that this route needs."""


class ValidationError(
    InvalidRequestError, code="VALIDATION_ERROR", status=400, retry="after_change"
):
    """One or more fields are not valid."""


class InvalidAmountFormat(
    InvalidRequestError, code="INVALID_AMOUNT_FORMAT", status=400, retry="after_change"
):
    """An amount is text such as "12.34", above "0.00"."""


class InvalidCurrency(
    InvalidRequestError, code="INVALID_CURRENCY", status=400, retry="after_change"
):
    """The only currency is USD."""


class MissingRequiredField(
    InvalidRequestError, code="MISSING_REQUIRED_FIELD", status=400, retry="after_change"
):
    """A required field or header is missing."""


class InvalidRequest(InvalidRequestError, code="INVALID_REQUEST", status=400, retry="after_change"):
    """The request cannot be read."""


class InvalidAmount(InvalidRequestError, code="INVALID_AMOUNT", status=400, retry="after_change"):
    """The amount is outside the allowed range."""


class WebhookSignatureInvalid(InvalidRequestError, code="WEBHOOK_SIGNATURE_INVALID", status=400):
    """The webhook's signature does not verify."""


class UserNotFound(NotFoundError, code="USER_NOT_FOUND", status=404):
    """There is no such user."""


class OrderNotFound(NotFoundError, code="ORDER_NOT_FOUND", status=404):
    """There is no such order."""


class TopupNotFound(NotFoundError, code="TOPUP_NOT_FOUND", status=404):
    """There is no such top-up."""


class EscrowNotFound(NotFoundError, code="ESCROW_NOT_FOUND", status=404):
    """This order has no escrow."""


class MilestoneNotFound(NotFoundError, code="MILESTONE_NOT_FOUND", status=404):
    """There is no such milestone on this order."""


class DisputeNotFound(NotFoundError, code="DISPUTE_NOT_FOUND", status=404):
    """There is no such dispute."""


class WithdrawalNotFound(NotFoundError, code="WITHDRAWAL_NOT_FOUND", status=404):
    """There is no such withdrawal."""


class WalletNotFound(NotFoundError, code="WALLET_NOT_FOUND", status=404):
    """This user has no wallet."""


class ApiKeyNotFound(NotFoundError, code="API_KEY_NOT_FOUND", status=404):
    """There is no such API key."""


class ReserveNotFound(NotFoundError, code="RESERVE_NOT_FOUND", status=404):
    """Nothing is reserved for this order."""


class NotFound(NotFoundError, code="NOT_FOUND", status=404):
    """There is nothing at this address."""


class MethodNotAllowed(InvalidRequestError, code="METHOD_NOT_ALLOWED", status=405):
    """The address does not take this method."""


class UserAlreadyExists(ConflictError, code="USER_ALREADY_EXISTS", status=409):
    """A user with this external id exists already."""


class AirtmUserAlreadyLinked(ConflictError, code="AIRTM_USER_ALREADY_LINKED", status=409):
    """The Airtm account is linked already."""


class FundsAlreadyReserved(ConflictError, code="FUNDS_ALREADY_RESERVED", status=409):
    """The order's funds are reserved already."""


class InvalidState(ConflictError, code="INVALID_STATE", status=409, retry="after_change"):
    """The current state does not allow this."""


class EscrowAlreadyExists(ConflictError, code="ESCROW_ALREADY_EXISTS", status=409):
    """The order has an escrow already."""


class EscrowNotReady(ConflictError, code="ESCROW_NOT_READY", status=409, retry="later"):
    """The escrow is not ready for this yet."""


class EscrowAlreadyFunded(ConflictError, code="ESCROW_ALREADY_FUNDED", status=409):
    """The escrow is funded already."""


class EscrowInvalidState(
    ConflictError, code="ESCROW_INVALID_STATE", status=409, retry="after_change"
):
    """The escrow's state does not allow this."""


class DisputeAlreadyOpen(ConflictError, code="DISPUTE_ALREADY_OPEN", status=409):
    """The order has an open dispute already."""


class DuplicateClientOrderRef(ConflictError, code="DUPLICATE_CLIENT_ORDER_REF", status=409):
    """An order with this reference exists already."""


class WithdrawalNotCommittable(ConflictError, code="WITHDRAWAL_NOT_COMMITTABLE", status=409):
    """The withdrawal cannot be committed any more."""


class IdempotencyKeyReused(ConflictError, code="IDEMPOTENCY_KEY_REUSED", status=409):
    """This idempotency key was used for another request."""


class IdempotencyKeyInProgress(
    ConflictError, code="IDEMPOTENCY_KEY_IN_PROGRESS", status=409, retry="later"
):
    """The first request with this key is still running."""


class PayloadTooLarge(
    InvalidRequestError, code="PAYLOAD_TOO_LARGE", status=413, retry="after_change"
):
    """The body is larger than 1 MiB."""


class UnsupportedMediaType(
    InvalidRequestError, code="UNSUPPORTED_MEDIA_TYPE", status=415, retry="after_change"
):
    """The body must be application/json."""


class AirtmUserNotLinked(
    UnprocessableError, code="AIRTM_USER_NOT_LINKED", status=422, retry="after_change"
):
    """The user has no linked Airtm account."""


class AirtmUserInvalid(
    UnprocessableError, code="AIRTM_USER_INVALID", status=422, retry="after_change"
):
    """The Airtm account cannot be used."""


class UserSuspended(UnprocessableError, code="USER_SUSPENDED", status=422, retry="after_change"):
    """The user may not move money out."""


class InsufficientFunds(
    UnprocessableError, code="INSUFFICIENT_FUNDS", status=422, retry="after_change"
):
    """The available balance is too low."""


class ReserveMismatchAmount(
    UnprocessableError, code="RESERVE_MISMATCH_AMOUNT", status=422, retry="after_change"
):
    """The amount differs from the order's."""


class EscrowInsufficientFunds(
    UnprocessableError, code="ESCROW_INSUFFICIENT_FUNDS", status=422, retry="after_change"
):
    """The escrow holds less than that."""


class EscrowFundingFailed(UnprocessableError, code="ESCROW_FUNDING_FAILED", status=422):
    """The escrow could not be funded."""


class WithdrawalDestinationInvalid(
    UnprocessableError, code="WITHDRAWAL_DESTINATION_INVALID", status=422, retry="after_change"
):
    """The destination cannot receive this."""


class RateLimited(RateLimitError, code="RATE_LIMITED", status=429, retry="later"):
    """Too many requests."""


class InternalError(ServerError, code="INTERNAL_ERROR", status=500, retry="later"):
    """Something failed on our side; nothing was lost."""


class ProviderError(ServerError, code="PROVIDER_ERROR", status=502):
    """A provider refused or answered nonsense."""


class ProviderRateLimited(ServerError, code="PROVIDER_RATE_LIMITED", status=502, retry="later"):
    """A provider asks us to slow down."""


class StellarNetworkError(ServerError, code="STELLAR_NETWORK_ERROR", status=502, retry="later"):
    """The Stellar network could not be used."""


class ProviderUnavailable(ServerError, code="PROVIDER_UNAVAILABLE", status=503, retry="later"):
    """A provider cannot be reached."""


class Maintenance(ServerError, code="MAINTENANCE", status=503, retry="later"):
    """The service is in maintenance."""


class ProviderTimeout(ServerError, code="PROVIDER_TIMEOUT", status=504, retry="later"):
    """A provider did not answer in time."""


class WebhookDuplicateIgnored(ApiError, code="WEBHOOK_DUPLICATE_IGNORED", status=200):
    """This webhook was received before."""

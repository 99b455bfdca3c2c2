"""The error catalogue: every code a client can see, its HTTP status, and if a retry makes sense.

`CATALOG` is the one list; documentation, SDK classes and tests are checked against it.
Errors carry only what a client may read: `details` must never hold a secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue. `retry`: "no", "later" (same request again) or "after_change"."""

    code: str
    status: int
    message: str
    retry: str = "no"


_ENTRIES: Final = (
    Entry("UNAUTHORIZED", 401, "No valid credentials were sent."),
    Entry("INVALID_API_KEY", 401, "The API key or token is unknown, revoked or expired."),
    Entry("INSUFFICIENT_SCOPE", 403, "The credentials lack the scope that this route needs."),
    Entry("VALIDATION_ERROR", 400, "One or more fields are not valid.", "after_change"),
    Entry("INVALID_AMOUNT_FORMAT", 400, 'An amount is text such as "12.34", above "0.00".',
          "after_change"),
    Entry("INVALID_CURRENCY", 400, "The only currency is USD.", "after_change"),
    Entry("MISSING_REQUIRED_FIELD", 400, "A required field or header is missing.", "after_change"),
    Entry("INVALID_REQUEST", 400, "The request cannot be read.", "after_change"),
    Entry("INVALID_AMOUNT", 400, "The amount is outside the allowed range.", "after_change"),
    Entry("WEBHOOK_SIGNATURE_INVALID", 400, "The webhook's signature does not verify."),
    Entry("USER_NOT_FOUND", 404, "There is no such user."),
    Entry("ORDER_NOT_FOUND", 404, "There is no such order."),
    Entry("TOPUP_NOT_FOUND", 404, "There is no such top-up."),
    Entry("ESCROW_NOT_FOUND", 404, "This order has no escrow."),
    Entry("MILESTONE_NOT_FOUND", 404, "There is no such milestone on this order."),
    Entry("DISPUTE_NOT_FOUND", 404, "There is no such dispute."),
    Entry("WITHDRAWAL_NOT_FOUND", 404, "There is no such withdrawal."),
    Entry("WALLET_NOT_FOUND", 404, "This user has no wallet."),
    Entry("API_KEY_NOT_FOUND", 404, "There is no such API key."),
    Entry("RESERVE_NOT_FOUND", 404, "Nothing is reserved for this order."),
    Entry("NOT_FOUND", 404, "There is nothing at this address."),
    Entry("METHOD_NOT_ALLOWED", 405, "The address does not take this method."),
    Entry("USER_ALREADY_EXISTS", 409, "A user with this external id exists already."),
    Entry("AIRTM_USER_ALREADY_LINKED", 409, "The Airtm account is linked already."),
    Entry("FUNDS_ALREADY_RESERVED", 409, "The order's funds are reserved already."),
    Entry("INVALID_STATE", 409, "The current state does not allow this.", "after_change"),
    Entry("ESCROW_ALREADY_EXISTS", 409, "The order has an escrow already."),
    Entry("ESCROW_NOT_READY", 409, "The escrow is not ready for this yet.", "later"),
    Entry("ESCROW_ALREADY_FUNDED", 409, "The escrow is funded already."),
    Entry("ESCROW_INVALID_STATE", 409, "The escrow's state does not allow this.", "after_change"),
    Entry("DISPUTE_ALREADY_OPEN", 409, "The order has an open dispute already."),
    Entry("DUPLICATE_CLIENT_ORDER_REF", 409, "An order with this reference exists already."),
    Entry("WITHDRAWAL_NOT_COMMITTABLE", 409, "The withdrawal cannot be committed any more."),
    Entry("IDEMPOTENCY_KEY_REUSED", 409, "This idempotency key was used for another request."),
    Entry("IDEMPOTENCY_KEY_IN_PROGRESS", 409, "The first request with this key is still running.",
          "later"),
    Entry("PAYLOAD_TOO_LARGE", 413, "The body is larger than 1 MiB.", "after_change"),
    Entry("UNSUPPORTED_MEDIA_TYPE", 415, "The body must be application/json.", "after_change"),
    Entry("AIRTM_USER_NOT_LINKED", 422, "The user has no linked Airtm account.", "after_change"),
    Entry("AIRTM_USER_INVALID", 422, "The Airtm account cannot be used.", "after_change"),
    Entry("USER_SUSPENDED", 422, "The user may not move money out.", "after_change"),
    Entry("INSUFFICIENT_FUNDS", 422, "The available balance is too low.", "after_change"),
    Entry("RESERVE_MISMATCH_AMOUNT", 422, "The amount differs from the order's.", "after_change"),
    Entry("ESCROW_INSUFFICIENT_FUNDS", 422, "The escrow holds less than that.", "after_change"),
    Entry("ESCROW_FUNDING_FAILED", 422, "The escrow could not be funded."),
    Entry("WITHDRAWAL_DESTINATION_INVALID", 422, "The destination cannot receive this.",
          "after_change"),
    Entry("RATE_LIMITED", 429, "Too many requests.", "later"),
    Entry("INTERNAL_ERROR", 500, "Something failed on our side; nothing was lost.", "later"),
    Entry("PROVIDER_ERROR", 502, "A provider refused or answered nonsense."),
    Entry("PROVIDER_RATE_LIMITED", 502, "A provider asks us to slow down.", "later"),
    Entry("STELLAR_NETWORK_ERROR", 502, "The Stellar network could not be used.", "later"),
    Entry("PROVIDER_UNAVAILABLE", 503, "A provider cannot be reached.", "later"),
    Entry("MAINTENANCE", 503, "The service is in maintenance.", "later"),
    Entry("PROVIDER_TIMEOUT", 504, "A provider did not answer in time.", "later"),
    Entry("WEBHOOK_DUPLICATE_IGNORED", 200, "This webhook was received before."),
)  # fmt: skip

CATALOG: Final[dict[str, Entry]] = {entry.code: entry for entry in _ENTRIES}


class OfferHubError(Exception):
    """An error of the catalogue. `details` goes to the client as it is."""

    code: str = "INTERNAL_ERROR"

    def __init__(
        self, message: str | None = None, *, code: str | None = None, **details: Any
    ) -> None:
        self.code = code or type(self).code
        self.entry = CATALOG[self.code]
        self.message = message or self.entry.message
        self.details: dict[str, Any] = details
        super().__init__(f"{self.code}: {self.message}")

    @property
    def status(self) -> int:
        """The HTTP status that the catalogue gives this code."""
        return self.entry.status


class InvalidAmountFormat(OfferHubError):
    code = "INVALID_AMOUNT_FORMAT"

    def __init__(self, message: str | None = None, *, field: str) -> None:
        text = message or CATALOG[self.code].message
        super().__init__(text, fields=[{"field": field, "message": text}])


class InvalidAmount(OfferHubError):
    code = "INVALID_AMOUNT"

    def __init__(self, message: str | None = None, *, field: str) -> None:
        text = message or CATALOG[self.code].message
        super().__init__(text, fields=[{"field": field, "message": text}])


class InvalidCurrency(OfferHubError):
    code = "INVALID_CURRENCY"


class ValidationFailed(OfferHubError):
    """Bad fields, found by a rule rather than by a schema."""

    code = "VALIDATION_ERROR"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, fields=[{"field": field, "message": message}])


class NotFound(OfferHubError):
    """A resource that is not there; the subclass or `code` says which kind."""

    code = "NOT_FOUND"


class InvalidState(OfferHubError):
    """A state table refused a change."""

    code = "INVALID_STATE"

    def __init__(
        self,
        message: str | None = None,
        *,
        current_state: str,
        allowed_states: Sequence[str],
        code: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(
            message,
            code=code,
            current_state=current_state,
            allowed_states=list(allowed_states),
            **details,
        )


class InsufficientFunds(OfferHubError):
    code = "INSUFFICIENT_FUNDS"


class IdempotencyKeyReused(OfferHubError):
    code = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyKeyInProgress(OfferHubError):
    code = "IDEMPOTENCY_KEY_IN_PROGRESS"

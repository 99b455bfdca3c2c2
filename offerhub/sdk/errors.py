"""What can go wrong when the API is called: the families of errors, and the registry by code.

The class of each code is in `error_codes`. An answer with a code that this version does not
know still becomes the family of its HTTP status, so old clients outlive new codes.
"""

from collections.abc import Mapping
from typing import Any, Literal

RetryAdvice = Literal["no", "later", "after_change"]

ERROR_CLASSES: dict[str, type["ApiError"]] = {}
"""Every known code and its class; filled as `error_codes` defines them."""


class OfferHubError(Exception):
    """Anything this client raises."""


class ConfigurationError(OfferHubError):
    """The client was given something it cannot work with, such as an address without a scheme."""


class UnexpectedAnswer(OfferHubError):
    """The server answered with something that is not the OfferHub API."""


class NoAnswer(OfferHubError):
    """The server could not be reached, or did not answer in time, in any of the attempts.

    `outcome_unknown`: the request may have been carried out. Repeat it with the same
    `idempotency_key` to learn what happened: it has at most one effect.
    """

    def __init__(
        self, message: str, *, outcome_unknown: bool, idempotency_key: str | None, attempts: int
    ) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown
        self.idempotency_key = idempotency_key
        self.attempts = attempts


class WaitTimeout(OfferHubError):
    """The resource did not reach the state in time; `resource` is what was last read."""

    def __init__(self, message: str, *, resource: Any) -> None:
        super().__init__(message)
        self.resource = resource


class UnexpectedState(OfferHubError):
    """The resource ended in another state than those waited for; `resource` is its final form."""

    def __init__(self, message: str, *, resource: Any) -> None:
        super().__init__(message)
        self.resource = resource


class EventsLost(OfferHubError):
    """The stream cannot be resumed from where the caller was: read the resources afresh.

    `oldest_sequence`: the first position that is still kept, when the server says it.
    """

    def __init__(self, message: str, *, oldest_sequence: int | None) -> None:
        super().__init__(message)
        self.oldest_sequence = oldest_sequence


class ApiError(OfferHubError):
    """The API refused. `code` names why; `request_id` is what an operator can search for.

    `retry`: "later" (the same request may succeed later), "after_change" or "no".
    `retry_after_s`: how long the server asked to wait, if it did.
    """

    code: str = ""
    status: int = 0
    retry: RetryAdvice = "no"

    def __init_subclass__(
        cls, *, code: str | None = None, status: int | None = None, retry: RetryAdvice = "no"
    ) -> None:
        super().__init_subclass__()
        if code is not None and status is not None:
            cls.code, cls.status, cls.retry = code, status, retry
            ERROR_CLASSES[code] = cls

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.code = code or type(self).code
        self.status = status or type(self).status
        self.message = message
        self.details: dict[str, Any] = dict(details or {})
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        known_as = f" (request {request_id})" if request_id else ""
        super().__init__(f"{self.code}: {message}{known_as}")

    @property
    def fields(self) -> dict[str, str]:
        """Field name to complaint, for the errors that name fields; empty for others."""
        listed = self.details.get("fields")
        if not isinstance(listed, list):
            return {}
        return {str(row.get("field")): str(row.get("message")) for row in listed}


class InvalidRequestError(ApiError):
    """400, 405, 413, 415: the request itself is wrong."""


class AuthenticationError(ApiError):
    """401: no valid key or token."""


class PermissionDenied(ApiError):
    """403: the key lacks a scope."""


class NotFoundError(ApiError):
    """404."""


class ConflictError(ApiError):
    """409: the current state, or another request, is in the way."""


class UnprocessableError(ApiError):
    """422: understood, and refused by a rule of the business."""


class RateLimitError(ApiError):
    """429: too many requests."""


class ServerError(ApiError):
    """5xx: the appliance or a provider behind it."""


FAMILIES: Mapping[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitError,
}


_MAY_PASS = frozenset({429, 500, 502, 503, 504})


def family_of(status: int) -> type[ApiError]:
    """The class for a status whose code is unknown."""
    if status >= 500:
        return ServerError
    return FAMILIES.get(status, InvalidRequestError)


def api_error(
    *,
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None,
    request_id: str | None,
    retry_after_s: float | None = None,
) -> ApiError:
    """The error of an answer: the class of its code, else the family of its status."""
    error = ERROR_CLASSES.get(code, family_of(status))(
        message,
        code=code,
        status=status,
        details=details,
        request_id=request_id,
        retry_after_s=retry_after_s,
    )
    if code not in ERROR_CLASSES:
        error.retry = "later" if status in _MAY_PASS else "no"
    return error

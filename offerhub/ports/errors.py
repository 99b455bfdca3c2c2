"""The three ways in which a call to a provider fails.

Everything an adapter raises is one of these; nothing else may leave it.
"""


class ProviderFailure(Exception):
    """Base. `provider` is airtm, trustless_work or stellar; `code` the provider's own, if any.

    `message` is for operators and logs; it is never shown to an end user.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.code = code
        self.retry_after_s = retry_after_s


class Rejected(ProviderFailure):
    """Final: the provider refused and nothing happened. `error_code` is ours, of the catalogue."""

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        code: str | None = None,
        error_code: str = "PROVIDER_ERROR",
    ) -> None:
        super().__init__(message, provider=provider, code=code)
        self.error_code = error_code


class Unavailable(ProviderFailure):
    """Nothing happened; the same call may be repeated later (`retry_after_s`, if known)."""


class RateLimited(Unavailable):
    """Unavailable, because too much was asked: by the provider or by our own outbound limit."""


class OutcomeUnknown(ProviderFailure):
    """It may or may not have happened: look it up by our reference, never assume."""

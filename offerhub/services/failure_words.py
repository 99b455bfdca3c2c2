"""Why a top-up or a withdrawal failed, in our words: what a provider wrote is for the operator.

A provider's text may name accounts, its own staff or systems, or change from day to day; clients
must neither show nor match it. The row keeps it as it came.
"""

from typing import Final

# The first mark that the provider's text holds decides; so the narrower ones come first.
_WORDS: Final = (
    ("failed on chain", "The payment failed on chain; nothing was paid."),
    ("trustline", "The destination cannot receive this asset."),
    ("destination", "The destination cannot receive this payment."),
    ("memo", "The destination needs a memo."),
    ("expired", "It was not completed in time."),
    ("timeout", "It was not completed in time."),
    ("cancel", "It was canceled at the provider."),
    ("insufficient", "The account at the provider did not have enough."),
    ("limit", "A limit of the provider does not allow it."),
    ("verif", "The account at the provider is not verified."),
    ("declin", "The provider declined it."),
    ("reject", "The provider declined it."),
)
OTHERWISE: Final = "The provider did not carry it out."


def shown(reason: str | None) -> str | None:
    """What clients are told of a failure whose stored reason is `reason`."""
    if reason is None:
        return None
    text = reason.lower()
    return next((words for mark, words in _WORDS if mark in text), OTHERWISE)

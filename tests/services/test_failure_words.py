"""Clients are told of failures in our words; the provider's text stays with the operator."""

import pytest

from offerhub.services.failure_words import OTHERWISE, shown


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (None, None),
        ("Rejected by agent Jane (internal case 4411)", "The provider declined it."),
        ("not VERIFIED: ana@example.com", "The account at the provider is not verified."),
        ("op_underfunded at hot-wallet-3", OTHERWISE),
        ("it failed on chain: tx_bad", "The payment failed on chain; nothing was paid."),
    ],
)  # fmt: skip
def test_a_providers_text_is_not_passed_on(said: str | None, told: str | None) -> None:
    assert shown(said) == told

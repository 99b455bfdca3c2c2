"""Amounts stay exact."""

from decimal import Decimal

import pytest

from offerhub.sdk import Money
from offerhub.sdk.money import amount_text


def test_money_is_text_with_an_exact_decimal() -> None:
    amount = Money("12.3456789")
    assert amount == "12.3456789"
    assert amount.decimal == Decimal("12.3456789")


@pytest.mark.parametrize(
    ("given", "sent"),
    [("100.00", "100.00"), ("abc", "abc"), (Decimal("5"), "5.00"), (Decimal("1E+2"), "100.00")],
)
def test_amounts_are_sent_as_text(given: str | Decimal, sent: str) -> None:
    assert amount_text(given) == sent


@pytest.mark.parametrize("given", [1.5, 1, True, None])
def test_nothing_but_text_and_decimals_is_an_amount(given: object) -> None:
    with pytest.raises(TypeError):
        amount_text(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [Decimal("0.001"), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_not_whole_cents_is_refused(given: Decimal) -> None:
    with pytest.raises(ValueError, match="not"):
        amount_text(given)

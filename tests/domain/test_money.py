"""Money: text in, stroops inside, text out; nothing is rounded and nothing else is accepted."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import money
from offerhub.domain.errors import InvalidAmount, InvalidAmountFormat, InvalidCurrency

stroops = st.integers(-money.MAX_STROOPS, money.MAX_STROOPS)
whole_cents = st.integers(1, money.MAX_STROOPS // money.STROOPS_PER_CENT).map(
    lambda cents: cents * money.STROOPS_PER_CENT
)

NOT_AMOUNTS = [
    1, 1.0, 12.34, True, None, b"12.34", ["12.34"], {"amount": "12.34"}, Decimal("12.34"),
    "", "1", "1.5", "1.500", "-1.00", "+1.00", "1,00", "1e3", "1E3", "1.00e2", "0x1.00", "1_0.00",
    " 1.00", "1.00 ", "1.00\n", "\n1.00", "1 .00", "1.0 0", ".00", ".50", "1.", "1..00", "1.00.00",
    "NaN", "Infinity", "-Infinity", "inf", "$1.00", "1.00 USD", "1\u00a0000.00", "1'000.00",
    "\u0661\u0662.\u0663\u0664", "\uff11.\uff12\uff13", "1\u066b00", "\u00b2.00", "1.00\x00",
    "0.00", "00.00", "0" * 5000 + ".00",
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_AMOUNTS, ids=lambda value: ascii(value)[:24])
def test_what_is_not_an_amount_is_refused_and_named(value: object) -> None:
    with pytest.raises(InvalidAmountFormat) as refused:
        money.parse_amount(value, field="price")
    assert refused.value.status == 400
    assert [f["field"] for f in refused.value.details["fields"]] == ["price"]


@given(st.one_of(st.text(), st.integers(), st.floats(), st.decimals(), st.binary()))
def test_nothing_else_gets_through(value: object) -> None:
    try:
        parsed = money.parse_amount(value)
    except (InvalidAmountFormat, InvalidAmount):
        return
    assert isinstance(value, str)
    assert money.format_amount(parsed) == value.lstrip("0").rjust(len("0.00"), "0")


@given(whole_cents)
def test_an_amount_survives_the_way_out_and_in(amount: int) -> None:
    assert money.parse_amount(money.format_amount(amount)) == amount


@given(stroops)
def test_exact_text_survives_the_way_out_and_in(amount: int) -> None:
    text = money.format_exact(amount)
    assert money.parse_exact(text) == amount
    assert len(text.split(".")[1]) == 7


@given(stroops)
def test_a_decimal_survives_the_way_out_and_in(amount: int) -> None:
    assert money.from_decimal(money.to_decimal(amount)) == amount


@given(stroops)
def test_cents_are_rounded_down_and_never_up(amount: int) -> None:
    shown = money.parse_exact(money.format_amount(amount))
    assert abs(shown) <= abs(amount) < abs(shown) + money.STROOPS_PER_CENT
    assert not money.format_amount(amount).startswith("-0.00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.01", 100_000),
        ("1.00", 10_000_000),
        ("0001.00", 10_000_000),
        ("922337203685.47", 9_223_372_036_854_700_000),
    ],
)
def test_amounts_are_read_to_the_stroop(text: str, expected: int) -> None:
    assert money.parse_amount(text) == expected


@pytest.mark.parametrize(
    "text", ["922337203685.48", "1000000000000.00", "9999999999999.99", "9" * 6000 + ".00"]
)
def test_more_than_the_network_carries_is_out_of_range_not_misspelt(text: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        money.parse_amount(text)
    assert refused.value.code == "INVALID_AMOUNT"


@pytest.mark.parametrize(
    ("amount", "cents", "exact"),
    [
        (0, "0.00", "0.0000000"),
        (1, "0.00", "0.0000001"),
        (-1, "0.00", "-0.0000001"),
        (99_999, "0.00", "0.0099999"),
        (-100_000, "-0.01", "-0.0100000"),
        (1_136_400_000, "113.64", "113.6400000"),
        (105_211_700, "10.52", "10.5211700"),
    ],
)
def test_amounts_are_shown_in_cents_and_in_full(amount: int, cents: str, exact: str) -> None:
    assert money.format_amount(amount) == cents
    assert money.format_exact(amount) == exact


@pytest.mark.parametrize(
    "text",
    ["NaN", "sNaN", "Infinity", "-Infinity", "0.00000001", "1E+999990", "1E-999999", "1E+13",
     "922337203685.4775808", "1.00000000000000000000000000000000000001",
     "0.10000000000000000000000000000000000000000000000001"],
)  # fmt: skip
def test_a_decimal_that_is_no_whole_number_of_stroops_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmountFormat):
        money.from_decimal(Decimal(text))


def test_trailing_zeros_do_not_make_a_decimal_inexact() -> None:
    assert money.from_decimal(Decimal("1." + "0" * 60)) == money.STROOPS_PER_USD
    assert money.from_decimal(Decimal("1E+3")) == 1000 * money.STROOPS_PER_USD


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_decimal_is_read_exactly_or_not_at_all(value: Decimal) -> None:
    try:
        amount = money.from_decimal(value)
    except InvalidAmountFormat:
        return
    assert value.as_integer_ratio() == money.to_decimal(amount).as_integer_ratio()


@pytest.mark.parametrize("text", ["", "1.", ".5", "1e3", "+1", "1.00000001", "1 ", "١", "--1"])
def test_exact_text_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidAmountFormat):
        money.parse_exact(text)


@pytest.mark.parametrize("value", [1.0, True, "1", Decimal(1), None])
@pytest.mark.parametrize(
    "function", [money.format_amount, money.format_exact, money.to_decimal, money.is_whole_cents]
)
def test_only_whole_numbers_of_stroops_are_money(function, value: object) -> None:
    with pytest.raises(TypeError):
        function(value)


@given(stroops)
def test_whole_cents_are_those_that_lose_nothing(amount: int) -> None:
    loses_nothing = money.parse_exact(money.format_amount(amount)) == amount
    assert money.is_whole_cents(amount) == loses_nothing


@pytest.mark.parametrize("value", ["usd", "EUR", "", None, 840, "USD ", ["USD"]])
def test_there_is_one_currency(value: object) -> None:
    assert money.check_currency("USD") == "USD"
    with pytest.raises(InvalidCurrency):
        money.check_currency(value)

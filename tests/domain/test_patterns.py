"""Expressions that describe values take what the code takes, and nothing else."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import digits, ids, money
from offerhub.domain.errors import InvalidAmount, InvalidAmountFormat
from offerhub.domain.events import AGGREGATES, EVENT_TYPES, PATTERN, expand

CENT = money.STROOPS_PER_CENT


@pytest.mark.parametrize("bound", [1, 5, 9, 10, 11, 47, 99, 100, 101, 899, 1000, 1989])
def test_digits_up_to_a_bound_are_those_and_no_others(bound: int) -> None:
    form = re.compile(digits.up_to(bound))
    assert [n for n in range(3000) if form.fullmatch(str(n))] == list(range(1, bound + 1))
    assert not form.fullmatch("01")


@pytest.mark.parametrize(
    ("low", "high"), [("00", "47"), ("01", "99"), ("1970", "9998"), ("7", "7"), ("120", "121")]
)
def test_digits_between_bounds_are_those_and_no_others(low: str, high: str) -> None:
    form = re.compile(digits.between(low, high))
    every = ["".join(found) for found in product("0123456789", repeat=len(low))]
    assert [text for text in every if form.fullmatch(text)] == [
        t for t in every if low <= t <= high
    ]


@pytest.mark.parametrize(("low", "high"), [("2", "1"), ("1", "10")])
def test_digits_of_no_range_are_refused(low: str, high: str) -> None:
    with pytest.raises(ValueError, match="no digits"):
        digits.between(low, high)


def _is_amount(text: str, most: int = money.MAX_STROOPS) -> bool:
    try:
        return money.parse_amount(text) <= most
    except (InvalidAmount, InvalidAmountFormat):
        return False


@pytest.mark.parametrize("most", [money.MAX_AMOUNT_STROOPS, 100 * CENT, 1234 * CENT, 10**16])
def test_the_form_of_amounts_ends_where_amounts_do(most: int) -> None:
    form = re.compile(money.amount_pattern(most))
    for stroops in (0, CENT, 99 * CENT, 100 * CENT, most - CENT, most, most + CENT, 2 * most):
        text = money.format_amount(stroops)
        for written in (text, "0" + text, "00" + text):
            assert bool(form.fullmatch(written)) is (0 < stroops <= most), written


@given(st.from_regex(r"\A-?[0-9]{0,14}\.?[0-9]{0,3}\Z") | st.text(max_size=8))
def test_the_form_of_amounts_is_what_is_read(text: str) -> None:
    assert bool(re.fullmatch(money.amount_pattern(), text)) is _is_amount(text)


def test_the_form_of_an_id_is_its_own_kinds() -> None:
    made = ids.new_id(ids.USER)
    assert re.fullmatch(ids.pattern(ids.USER), made)
    assert re.fullmatch(ids.pattern(ids.ORDER, ids.USER), made)
    assert not re.fullmatch(ids.pattern(ids.ORDER), made)
    assert not re.fullmatch(ids.pattern(ids.USER), made[:-1])


def test_the_form_of_event_patterns_is_what_can_match() -> None:
    kinds = [f"{aggregate}.*" for aggregate in AGGREGATES]
    assert all(re.fullmatch(PATTERN, text) for text in ("*", *kinds, *EVENT_TYPES))
    for text in ("", "order", "order.", "order.nothing", "nothing.*", "wallet.closed", "*.created"):
        assert not re.fullmatch(PATTERN, text)
        with pytest.raises(ValueError, match="no event"):
            expand([text])

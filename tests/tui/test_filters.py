"""The language of the filter."""

import pytest
from offerhub_tui.filters import parse

ROW = {
    "state": "▲ DISPUTED",
    "amount": "120.50 USD",
    "age": "90000",
    "user": "usr_x usr_y",
    "title": "A logo",
}


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("", True),
        ("logo", True),
        ("LOGO", True),
        ("logo state:disputed", True),
        ("logo state:closed", False),
        ("-logo", False),
        ("-state:closed", True),
        ("amount:>120", True),
        ("amount:>120.5", False),
        ("amount:>=120.5", True),
        ("amount:<1000", True),
        ("age:>24h", True),
        ("age:>2d", False),
        ("age:<=1500m", True),
        ("user:usr_y", True),
        ("colour:red", False),
        ("amount:>lots", False),
        ("title:>5", False),
        ("state:disputed amount:>100 age:>24h user:usr_x", True),
        ("amount:>1e999999999", False),
        ("-", False),
        (":", False),
    ],
)
def test_every_condition_must_hold(text: str, meets: bool) -> None:
    assert parse(text).meets(ROW) is meets


def test_an_empty_filter_is_false() -> None:
    assert not parse("  ")
    assert parse("x")

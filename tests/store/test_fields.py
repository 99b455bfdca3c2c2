"""Columns of our own: JSON that comes back as it went in, money that is whole, canonical text."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offerhub.store.database import atomic, execute
from offerhub.store.fields import JSONText, Stroops, canonical
from offerhub.store.leases import flag, set_flag

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(value=json_values)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_comes_back_as_it_went_in(database: str, value: object) -> None:
    if value is None:
        return  # a column that takes null keeps null
    with atomic():
        set_flag("f", value, now=1)
        assert flag("f") == value


@given(json_values)
def test_equal_values_have_one_text(value: object) -> None:
    def turned(inner: object) -> object:
        if isinstance(inner, dict):
            return {key: turned(inner[key]) for key in reversed(list(inner))}
        return [turned(item) for item in inner] if isinstance(inner, list) else inner

    assert canonical(turned(value)) == canonical(value)


def test_the_canonical_text_is_plain() -> None:
    assert canonical({"b": [1, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,null]}'
    with pytest.raises(ValueError, match=r"(?i)json"):
        canonical(float("nan"))


@pytest.mark.parametrize("value", [1.0, True, "1", b"1"])
def test_only_whole_numbers_are_money(value: object) -> None:
    with pytest.raises(TypeError, match="stroops"):
        Stroops().db_value(value)


def test_money_and_null_pass() -> None:
    assert Stroops().db_value(5) == 5
    assert Stroops().db_value(None) is None
    assert JSONText().db_value(None) is None


def test_raw_sql_writes_its_parameters_the_same_way_on_both(database: str) -> None:
    with atomic():
        assert execute("SELECT ? || 'b'", ("a%",)).fetchone()[0] == "a%b"

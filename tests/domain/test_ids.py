"""Identifiers: the prefixes of the contract, 21 characters, from a cryptographic source."""

import inspect
import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import ids

# The contract's list, and what this product added to it.
CONTRACT = (
    "usr ord topup esc dsp wd evt aud key mkt wal mst ldg opn whe whd req"  # domain, "Identifiers"
)
OURS = "dep inb rec dif cmt"

URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


def test_the_prefixes_are_those_of_the_contract_and_a_few_more() -> None:
    assert set(CONTRACT.split()) | set(OURS.split()) == ids.PREFIXES


@pytest.mark.parametrize("prefix", sorted(ids.PREFIXES))
def test_an_id_has_its_prefix_and_21_url_safe_characters(prefix: str) -> None:
    made = ids.new_id(prefix)
    head, tail = made[: len(prefix) + 1], made[len(prefix) + 1 :]
    assert head == f"{prefix}_"
    assert len(tail) == 21
    assert set(tail) <= set(URL_SAFE)
    assert ids.is_id(made, prefix)


@pytest.mark.parametrize("prefix", ["", "user", "USR", "usr_", "tok"])
def test_an_unknown_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        ids.new_id(prefix)


def test_the_characters_come_from_a_cryptographic_source() -> None:
    default = inspect.signature(ids.new_id).parameters["random_bytes"].default
    assert default is secrets.token_bytes
    assert len(set(URL_SAFE)) == 64  # six bits each, 126 in all


def test_every_byte_of_the_source_becomes_a_character_and_none_is_favoured() -> None:
    asked: list[int] = []
    made = ""

    for first in range(0, 256, 21):

        def next_bytes(count: int, first: int = first) -> bytes:
            asked.append(count)
            return bytes(byte % 256 for byte in range(first, first + count))

        made += ids.new_id("usr", random_bytes=next_bytes)[4:]
    assert set(asked) == {21}
    assert Counter(made[:256]) == dict.fromkeys(URL_SAFE, 4)


def test_every_character_is_about_as_frequent_as_any_other() -> None:
    count = 3_000
    seen = Counter("".join(ids.new_id("ord")[4:] for _ in range(count)))
    expected = count * 21 / 64
    chi_squared = sum((seen[c] - expected) ** 2 / expected for c in URL_SAFE)
    assert chi_squared < 140  # 63 degrees of freedom: exceeded once in some ten million runs


def test_ids_do_not_repeat() -> None:
    assert len({ids.new_id("evt") for _ in range(20_000)}) == 20_000


BODY = "V1StGXR8_Z5jdHi6B-myT"


@pytest.mark.parametrize(
    "value",
    [
        None, 7, b"usr_" + BODY.encode(), ["usr_" + BODY], "", "usr_", "usr", BODY, "ord_" + BODY,
        "usr_" + BODY[:-1], "usr_" + BODY + "x", "usr_" + BODY + "\n", "\nusr_" + BODY,
        " usr_" + BODY, "usr_" + BODY[:-1] + " ", "USR_" + BODY, "usr-" + BODY, "usr__" + BODY,
        "usr_" + BODY[:-1] + "é", "usr_" + BODY[:-1] + "\u0661", "usr_" + BODY[:-1] + "\x00",
        "usr_" + BODY[:-1] + "%", "usr_" + BODY[:-1] + "'", "usr_" + "../" * 7,
        "usr_" + "x" * 10**6,
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_what_has_not_the_form_of_an_id_is_none(value: object) -> None:
    assert not ids.is_id(value, "usr")


@given(st.one_of(st.text(), st.from_regex(r"usr_[\w-]{21}"), st.from_regex(r"\A\w+_\w{21}\n?\Z")))
def test_only_the_exact_form_is_an_id(value: str) -> None:
    form = len(value) == 25 and value.startswith("usr_") and all(c in URL_SAFE for c in value[4:])
    assert ids.is_id(value, "usr") == form

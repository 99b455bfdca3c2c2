"""Sealed wallet seeds: only the right row and the right key open them."""

import logging

import pytest
from stellar_sdk import Keypair

from offerhub.providers.vault import EnvelopeVault

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
ROW = "wallets|wal_1"


@pytest.fixture
def vault() -> EnvelopeVault:
    return EnvelopeVault({"k1": OLD}, active="k1")


def test_a_sealed_key_opens_to_the_address_it_was_made_with(vault: EnvelopeVault) -> None:
    address, sealed = vault.new_key(binding=ROW)
    key = vault.open(sealed, binding=ROW)
    assert key.address == address
    assert Keypair.from_secret(key.seed).public_key == address
    assert vault.key_id(sealed) == "k1"


def test_two_keys_are_never_the_same_and_no_sealed_text_repeats(vault: EnvelopeVault) -> None:
    made = [vault.new_key(binding=ROW) for _ in range(20)]
    assert len({address for address, _ in made}) == 20
    assert len({sealed for _, sealed in made}) == 20


@pytest.mark.proves("P8")
def test_a_sealed_key_does_not_open_for_another_row(vault: EnvelopeVault) -> None:
    _, sealed = vault.new_key(binding=ROW)
    with pytest.raises(ValueError, match="another row"):
        vault.open(sealed, binding="wallets|wal_2")


def test_a_sealed_key_does_not_open_under_an_unknown_key(vault: EnvelopeVault) -> None:
    _, sealed = vault.new_key(binding=ROW)
    with pytest.raises(ValueError, match="k1"):
        EnvelopeVault({"k2": NEW}, active="k2").open(sealed, binding=ROW)


def test_the_right_id_with_the_wrong_key_does_not_open(vault: EnvelopeVault) -> None:
    _, sealed = vault.new_key(binding=ROW)
    with pytest.raises(ValueError, match="does not open"):
        EnvelopeVault({"k1": NEW}, active="k1").open(sealed, binding=ROW)


def test_every_altered_character_is_noticed(vault: EnvelopeVault) -> None:
    _, sealed = vault.new_key(binding=ROW)
    for position, character in enumerate(sealed):
        other = "A" if character != "A" else "B"
        altered = sealed[:position] + other + sealed[position + 1 :]
        with pytest.raises(ValueError, match=r"seed|wallet key"):
            vault.open(altered, binding=ROW)


@pytest.mark.parametrize(
    "text",
    ["", "ohv1", "ohv2.k1.AAAA.AAAA", "ohv1.k1.A.A", "ohv1.k1..", "ohv1.k 1.AA.AA", "ohv1.k1.ä.AA"],
)
def test_texts_that_are_not_sealed_seeds_are_refused(vault: EnvelopeVault, text: str) -> None:
    with pytest.raises(ValueError, match="seed"):
        vault.open(text, binding=ROW)


def test_parts_of_two_sealed_keys_of_one_row_do_not_combine(vault: EnvelopeVault) -> None:
    first = vault.new_key(binding=ROW)[1].split(".")
    second = vault.new_key(binding=ROW)[1].split(".")
    with pytest.raises(ValueError, match="does not open"):
        vault.open(".".join([*first[:3], second[3]]), binding=ROW)


@pytest.mark.proves("P8")
def test_rewrapping_moves_a_seed_to_the_active_key_and_keeps_it(vault: EnvelopeVault) -> None:
    address, sealed = vault.new_key(binding=ROW)
    both = EnvelopeVault({"k1": OLD, "k2": NEW}, active="k2")
    moved = both.rewrap(sealed, binding=ROW)
    assert both.key_id(moved) == "k2"
    assert EnvelopeVault({"k2": NEW}, active="k2").open(moved, binding=ROW).address == address
    assert both.open(sealed, binding=ROW).address == address
    assert both.rewrap(moved, binding=ROW) == moved


def test_rewrapping_for_another_row_is_refused(vault: EnvelopeVault) -> None:
    _, sealed = vault.new_key(binding=ROW)
    with pytest.raises(ValueError, match="another row"):
        EnvelopeVault({"k1": OLD, "k2": NEW}, active="k2").rewrap(sealed, binding="wallets|wal_2")


def test_seeds_and_keys_show_in_no_repr_and_no_log(
    vault: EnvelopeVault, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        _, sealed = vault.new_key(binding=ROW)
        key = vault.open(sealed, binding=ROW)
    shown = repr(key) + str(key) + repr(vault) + caplog.text
    assert key.seed not in shown
    assert key.seed not in sealed
    assert OLD.hex() not in shown
    assert repr(OLD) not in shown


@pytest.mark.parametrize(
    ("keks", "active"),
    [({"k1": OLD[:31]}, "k1"), ({"k1": OLD}, "k2"), ({"k.1": OLD}, "k.1"), ({}, "")],
)
def test_a_vault_with_unusable_keys_is_not_made(keks: dict[str, bytes], active: str) -> None:
    with pytest.raises(ValueError, match="wallet key"):
        EnvelopeVault(keks, active=active)

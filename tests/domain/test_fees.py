"""Fees: the escrow contract's own floors, worked examples, and parts that make up the whole.

The examples are those of the contract's published arithmetic (docs/money.md, "Fees").
"""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from offerhub.domain import fees
from offerhub.domain.errors import ValidationFailed
from offerhub.domain.money import MAX_STROOPS, STROOPS_PER_CENT, parse_exact

bps = st.integers(0, fees.MAX_PLATFORM_FEE_BPS)
amounts = st.integers(1, MAX_STROOPS)
cents = st.integers(1, 10**11).map(lambda n: n * STROOPS_PER_CENT)


def usd(*texts: str) -> tuple[int, ...]:
    return tuple(parse_exact(text) for text in texts)


@pytest.mark.parametrize(
    ("gross", "fee_bps", "protocol", "platform", "receiver"),
    [
        ("120.00", 500, "0.36", "6.00", "113.64"),
        ("100.00", 250, "0.30", "2.50", "97.20"),
        ("100.00", 0, "0.30", "0.00", "99.70"),
        ("0.01", 250, "0.00003", "0.00025", "0.00972"),
        ("0.0000001", 9900, "0", "0", "0.0000001"),
    ],
)
def test_a_release_pays_what_the_contract_pays(gross, fee_bps, protocol, platform, receiver):
    paid = fees.release(parse_exact(gross), platform_fee_bps=fee_bps)
    found = (paid.protocol_stroops, paid.platform_stroops, *paid.shares_stroops)
    assert found == usd(protocol, platform, receiver)


@pytest.mark.parametrize(
    ("shares", "protocol", "platform", "net"),
    [
        (("100.00",), "0.30", "5.00", ("94.70",)),
        (("60.00", "40.00"), "0.30", "5.00", ("56.82", "37.88")),
        (("11.11", "22.22"), "0.09999", "1.6665", ("10.52117", "21.04234")),
    ],
)
def test_a_resolution_at_five_percent_pays_what_the_contract_pays(shares, protocol, platform, net):
    paid = fees.resolution(usd(*shares), platform_fee_bps=500)
    assert (paid.protocol_stroops, paid.platform_stroops) == usd(protocol, platform)
    assert paid.shares_stroops == usd(*net)


def test_dust_makes_the_contract_pay_one_stroop_more_than_it_holds_and_revert() -> None:
    shares = usd("60.00", "40.0000001")
    total = sum(shares)
    taken = total * 30 // 10_000 + total * 500 // 10_000
    paid = [share - share * taken // total for share in shares]
    assert paid == list(usd("56.8200001", "37.8800001"))
    assert sum(paid) + taken == total + 1

    with pytest.raises(fees.PayoutReverts) as refused:
        fees.resolution(shares, platform_fee_bps=500)
    assert refused.value.code == "ESCROW_INVALID_STATE"


@given(amounts, bps, st.integers(0, 100))
def test_a_release_always_makes_up_the_gross(amount: int, platform: int, protocol: int) -> None:
    paid = fees.release(amount, platform_fee_bps=platform, protocol_fee_bps=protocol)
    assert paid.protocol_stroops == Fraction(amount * protocol, 10_000).__floor__()
    assert paid.platform_stroops == Fraction(amount * platform, 10_000).__floor__()
    assert paid.protocol_stroops + paid.platform_stroops + sum(paid.shares_stroops) == amount
    assert min(paid.shares_stroops) >= 0


@given(st.lists(cents, min_size=1, max_size=4), bps)
def test_shares_of_whole_cents_and_both_fees_always_make_up_the_gross(shares, fee_bps) -> None:
    paid = fees.resolution(tuple(shares), platform_fee_bps=fee_bps)
    assert paid.protocol_stroops + paid.platform_stroops + sum(paid.shares_stroops) == sum(shares)


@given(st.lists(cents, min_size=1, max_size=4), bps)
def test_each_share_of_whole_cents_bears_exactly_its_own_part(shares, fee_bps) -> None:
    paid = fees.resolution(tuple(shares), platform_fee_bps=fee_bps)
    for share, net in zip(shares, paid.shares_stroops, strict=True):
        assert net == share * (1 - Fraction(30 + fee_bps, 10_000))


@given(st.lists(amounts, min_size=1, max_size=4), bps)
def test_any_shares_either_fit_in_the_contract_or_are_said_to_revert(shares, fee_bps) -> None:
    total = sum(shares)
    taken = total * 30 // 10_000 + total * fee_bps // 10_000
    net = tuple(share - share * taken // total for share in shares)
    if sum(net) + taken > total:
        with pytest.raises(fees.PayoutReverts):
            fees.resolution(tuple(shares), platform_fee_bps=fee_bps)
    else:
        assert fees.resolution(tuple(shares), platform_fee_bps=fee_bps).shares_stroops == net


@given(amounts, bps)
def test_a_single_recipient_never_reverts(amount: int, fee_bps: int) -> None:
    assume(amount > 0)
    paid = fees.resolution((amount,), platform_fee_bps=fee_bps)
    assert paid.protocol_stroops + paid.platform_stroops + paid.shares_stroops[0] == amount


@pytest.mark.parametrize("shares", [(0,), (100, 0), (100, -1), (-100, 200)])
def test_shares_of_nothing_are_refused(shares: tuple[int, ...]) -> None:
    with pytest.raises(ValidationFailed):
        fees.resolution(shares, platform_fee_bps=250)


@pytest.mark.parametrize("value", [-1, 9_901, 10_000, 2.5, "250", True, None])
def test_basis_points_outside_their_range_are_refused(value: object) -> None:
    with pytest.raises(ValidationFailed) as refused:
        fees.check_fee_bps(value)  # type: ignore[arg-type]
    assert refused.value.details["fields"][0]["field"] == "platform_fee_bps"


@pytest.mark.parametrize("value", [0, 1, 250, 9_900])
def test_basis_points_are_from_none_to_99_percent(value: int) -> None:
    assert fees.check_fee_bps(value) == value


@given(st.integers(0, MAX_STROOPS))
def test_what_lacks_to_the_next_cent_is_less_than_a_cent(amount: int) -> None:
    lacking = fees.cents_short(amount)
    assert 0 <= lacking < STROOPS_PER_CENT
    assert (amount + lacking) % STROOPS_PER_CENT == 0

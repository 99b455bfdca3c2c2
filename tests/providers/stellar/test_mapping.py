"""Horizon's records in our words."""

from typing import Any

import pytest

from offerhub.providers.stellar import mapping
from offerhub.providers.stellar.results import codes_of_extras, codes_of_xdr

ISSUER = "GBBD47IF6LWK7P7MDEVSCWR7DPUWV3NY3DTQEVFL4NAT4AQH3ZLLFLA5"
WALLET = "GAU2ZOXBIG6MV4FSFYNJJU2NBPDTMHSSNUF74EWIS6KLZEZCSZW5O6FW"
STRANGER = "GAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3QZ6Q"
CONTRACT = "CBIELTK6YBZJU5UP2WWQEUCYKLPU6AUNZ2BQ4WWFEIE3USCIHMXQDAMA"
USDC = {"asset_type": "credit_alphanum4", "asset_code": "USDC", "asset_issuer": ISSUER}
NATIVE = {"balance": "10.0000000", "selling_liabilities": "1.0000000", "asset_type": "native"}
LINE = {
    **USDC,
    "balance": "125.4000000",
    "limit": "200.0000000",
    "buying_liabilities": "4.0000000",
    "selling_liabilities": "0.4000000",
    "is_authorized": True,
}


def account(*balances: dict[str, Any], **more: Any) -> Any:
    record = {
        "account_id": WALLET,
        "sequence": "223338299392000000",
        "subentry_count": 1,
        "num_sponsoring": 0,
        "num_sponsored": 0,
        "balances": list(balances),
        "data": {},
        **more,
    }
    return mapping.account(record, usdc_issuer=ISSUER)


def operation(**fields: Any) -> dict[str, Any]:
    return {
        "id": "223338299392012289",
        "paging_token": "223338299392012289",
        "transaction_successful": True,
        "created_at": "2026-01-10T12:03:05Z",
        "transaction_hash": "dc" * 32,
        **fields,
    }


def arrivals(record: dict[str, Any], address: str = WALLET) -> list[Any]:
    return list(mapping.incoming(record, address=address, usdc_issuer=ISSUER))


def test_an_account_shows_what_it_can_spend_and_still_take() -> None:
    found = account(LINE, NATIVE)
    assert found.sequence == 223338299392000000
    assert found.usdc_stroops == 125_0000000
    assert found.usdc_room_stroops == 70_6000000
    assert found.xlm_stroops == 7_5000000
    assert (found.has_trustline, found.authorized, found.memo_required) == (True, True, False)


def test_sponsored_reserves_need_no_xlm_of_the_account() -> None:
    assert account(LINE, NATIVE, num_sponsored=3).xlm_stroops == 9_0000000
    assert account(LINE, NATIVE, num_sponsoring=100).xlm_stroops == 0


@pytest.mark.parametrize(
    "other",
    [
        {"asset_issuer": STRANGER},
        {"asset_code": "usdc"},
        {"asset_code": "USDCOIN", "asset_type": "credit_alphanum12"},
        {"asset_type": "credit_alphanum12"},
    ],
)
def test_only_the_configured_asset_is_usdc(other: dict[str, str]) -> None:
    found = account({**LINE, **other}, NATIVE)
    assert (found.has_trustline, found.usdc_stroops, found.usdc_room_stroops) == (False, 0, 0)
    assert [one.usdc for one in arrivals(payment(**other))] == [False]
    assert mapping.transfers([payment(**other)], usdc_issuer=ISSUER) == ()


def payment(**other: Any) -> dict[str, Any]:
    fields = {"type": "payment", "from": STRANGER, "to": WALLET, "amount": "12.3400001", **USDC}
    return operation(**{**fields, **other})


def test_a_frozen_trustline_shows() -> None:
    assert account({**LINE, "is_authorized": False}, NATIVE).authorized is False


def test_a_required_memo_shows_only_for_the_value_one() -> None:
    assert account(NATIVE, data={"config.memo_required": "MQ=="}).memo_required is True
    assert account(NATIVE, data={"config.memo_required": "MA=="}).memo_required is False


def test_a_payment_arrives_with_its_memo_and_exact_amount() -> None:
    record = payment(transaction={"memo_type": "text", "memo": "wd_demo1"})
    (arrived,) = arrivals(record)
    assert arrived.amount_stroops == 12_3400001
    assert (arrived.memo, arrived.kind, arrived.usdc) == ("wd_demo1", "payment", True)
    assert arrived.asset == f"USDC:{ISSUER}"
    assert arrived.occurred_at_ms == 1768046585000


def test_a_path_payment_counts_what_the_receiver_got() -> None:
    record = payment(
        type="path_payment_strict_send", source_amount="99.0000000", source_asset_type="native"
    )
    (arrived,) = arrivals(record)
    assert (arrived.amount_stroops, arrived.usdc) == (12_3400001, True)


def test_a_contract_call_pays_one_wallet_several_times_under_one_operation() -> None:
    change = {**USDC, "type": "transfer", "from": CONTRACT}
    record = operation(
        type="invoke_host_function",
        asset_balance_changes=[
            {**change, "to": STRANGER, "amount": "0.3600000"},
            {**change, "to": WALLET, "amount": "113.6400000"},
            {**USDC, "type": "mint", "to": WALLET, "amount": "0.0000001"},
            {**USDC, "type": "burn", "from": WALLET, "amount": "5.0000000"},
        ],
    )
    assert [(one.change_index, one.source, one.amount_stroops) for one in arrivals(record)] == [
        (1, CONTRACT, 113_6400000),
        (2, ISSUER, 1),
    ]
    moved = mapping.transfers([record], usdc_issuer=ISSUER)
    assert [(one.change_index, one.destination) for one in moved] == [
        (0, STRANGER),
        (1, WALLET),
        (2, WALLET),
        (3, ISSUER),
    ]


def test_amounts_between_strangers_that_no_account_could_hold_do_not_stop_the_reader() -> None:
    huge = {"asset_type": "credit_alphanum4", "asset_code": "EVIL", "asset_issuer": STRANGER}
    record = operation(
        type="invoke_host_function",
        asset_balance_changes=[
            {**huge, "type": "transfer", "from": CONTRACT, "to": CONTRACT, "amount": "9" * 30},
            {**USDC, "type": "transfer", "from": CONTRACT, "to": WALLET, "amount": "1.0000000"},
        ],
    )
    assert [one.amount_stroops for one in arrivals(record)] == [1_0000000]


def test_a_failed_transaction_brings_nothing() -> None:
    assert arrivals(payment(transaction_successful=False)) == []


def test_what_an_account_sends_to_itself_does_not_arrive() -> None:
    assert arrivals({**payment(), "from": WALLET}) == []


def test_xlm_that_creates_an_account_or_comes_from_a_merged_one_is_not_usdc() -> None:
    created = operation(
        type="create_account", account=WALLET, funder=STRANGER, starting_balance="3.0000000"
    )
    merged = operation(type="account_merge", account=STRANGER, into=WALLET)
    assert [(one.asset, one.usdc, one.amount_stroops) for one in arrivals(created)] == [
        ("XLM", False, 3_0000000)
    ]
    assert [(one.asset, one.usdc, one.kind) for one in arrivals(merged)] == [
        ("XLM", False, "account_merge")
    ]


@pytest.mark.parametrize("amount", ["1e3", "1.00000001", "", None, 12.5, "-", "NaN"])
def test_an_amount_that_is_not_exact_is_never_guessed(amount: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        arrivals(payment(amount=amount))


@pytest.mark.parametrize(
    ("result_xdr", "codes"),
    [
        ("AAAAAAAAAAD////7AAAAAA==", ("tx_bad_seq",)),
        ("AAAAAAAAAAr////3AAAAAA==", ("tx_insufficient_fee",)),
        ("AAAAAAAAAGT/////AAAAAf////4AAAAA", ("tx_failed", "op_no_source_account")),
    ],
)
def test_stored_results_are_read_in_horizons_words(result_xdr: str, codes: tuple[str]) -> None:
    assert codes_of_xdr(result_xdr) == codes


@pytest.mark.parametrize("text", [None, "", "AAAA", "!!", 5])
def test_a_result_that_cannot_be_read_is_an_error(text: object) -> None:
    with pytest.raises(ValueError, match="result"):
        codes_of_xdr(text)


def test_the_codes_of_a_refusal_keep_their_order() -> None:
    listed = {"transaction": "tx_failed", "operations": ["op_success", "op_underfunded"]}
    assert codes_of_extras({"result_codes": listed}) == (
        "tx_failed",
        "op_success",
        "op_underfunded",
    )
    assert codes_of_extras(None) == codes_of_extras({"result_codes": "x"}) == ()

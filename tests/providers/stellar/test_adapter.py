"""The chain adapter against answers that a well-behaved Horizon never gives."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from stellar_sdk import Keypair, Network

from offerhub.ports.chain import SignedTransaction, SubmissionStatus
from offerhub.ports.errors import OutcomeUnknown, Rejected, Unavailable
from offerhub.providers.stellar.adapter import StellarChain
from offerhub.providers.stellar.client import connect
from offerhub.providers.transactions import decode
from tests.fixtures.clock import FakeClock
from tests.providers.network_world import CountingLimiter
from tests.providers.scripted_server import Script, scripted
from tests.providers.stellar.test_builders import ISSUER, VECTOR_HASH, VECTOR_XDR, A, B, key

NOT_FOUND = {"type": "https://stellar.org/horizon-errors/not_found", "status": 404}
SIGNED = SignedTransaction(
    hash=VECTOR_HASH, xdr=VECTOR_XDR, source=A.public_key, sequence=42, max_time_s=1768046640
)
HASH_ADDRESS = f"GET /transactions/{VECTOR_HASH}"


@pytest.fixture
def horizon() -> Iterator[Script]:
    with scripted() as script:
        yield script


@pytest.fixture
def chain(horizon: Script, clock: FakeClock) -> StellarChain:
    clock.set(datetime.fromtimestamp(1768046640 - 180, UTC))
    return StellarChain(
        connect(horizon.url),
        passphrase=Network.TESTNET_NETWORK_PASSPHRASE,
        usdc_issuer=ISSUER,
        limiter=CountingLimiter(),
        clock=clock,
    )


def record(keypair: Keypair, sequence: int = 41) -> dict[str, object]:
    line = {
        "asset_type": "credit_alphanum4",
        "asset_code": "USDC",
        "asset_issuer": ISSUER,
        "balance": "50.0000000",
        "limit": "922337203685.4775807",
        "is_authorized": True,
    }
    native = {"asset_type": "native", "balance": "10.0000000"}
    return {
        "account_id": keypair.public_key,
        "sequence": str(sequence),
        "subentry_count": 1,
        "balances": [line, native],
    }


def test_the_vector_comes_out_of_the_whole_adapter(horizon: Script, chain: StellarChain) -> None:
    for keypair in (A, B):
        horizon.on(f"GET /accounts/{keypair.public_key}", (200, record(keypair)))
    horizon.on("GET /fee_stats", (200, {"fee_charged": {"p90": "200"}}))
    built = chain.build_payment(
        source=key(A), destination=B.public_key, amount_stroops=12_3400000, memo="wd_demo1"
    )
    assert built == SIGNED


@pytest.mark.parametrize(("p90", "fee"), [("1", 100), ("250", 250), ("4000000", 10_000)])
def test_the_bid_follows_the_market_between_the_minimum_and_the_cap(
    horizon: Script, chain: StellarChain, p90: str, fee: int
) -> None:
    horizon.on(f"GET /accounts/{A.public_key}", (200, record(A)))
    horizon.on("GET /fee_stats", (200, {"fee_charged": {"p90": p90}}))
    built = chain.build_trustline(account=key(A))
    envelope = decode(built.xdr, passphrase=Network.TESTNET_NETWORK_PASSPHRASE)
    assert envelope.transaction.fee == fee


def test_another_network_is_refused(horizon: Script, chain: StellarChain) -> None:
    root = {
        "history_latest_ledger": 52000000,
        "history_latest_ledger_closed_at": "2026-01-10T12:03:05Z",
        "history_elder_ledger": 2,
        "network_passphrase": Network.PUBLIC_NETWORK_PASSPHRASE,
    }
    horizon.on("GET /", (200, root))
    with pytest.raises(Rejected, match="Public Global") as refusal:
        chain.head()
    assert refusal.value.code == "wrong_network"


@pytest.mark.parametrize("body", ["<html>404</html>", {"error": "gone"}, {"type": "about:blank"}])
def test_only_horizons_own_not_found_means_absent(
    horizon: Script, chain: StellarChain, body: object
) -> None:
    horizon.on(HASH_ADDRESS, (404, body), (404, NOT_FOUND))
    with pytest.raises(Unavailable):
        chain.transaction(VECTOR_HASH)
    assert chain.transaction(VECTOR_HASH) is None


def test_a_transaction_whose_operations_lag_is_not_reported_short(
    horizon: Script, chain: StellarChain
) -> None:
    found = {"successful": True, "ledger": 52000000, "operation_count": 1, "hash": VECTOR_HASH}
    operation = {
        "id": "223338299392012289",
        "type": "payment",
        "from": A.public_key,
        "to": B.public_key,
        "amount": "12.3400000",
        "asset_type": "credit_alphanum4",
        "asset_code": "USDC",
        "asset_issuer": ISSUER,
    }
    horizon.on(HASH_ADDRESS, (200, found))
    horizon.on(
        f"{HASH_ADDRESS}/operations",
        (200, {"_embedded": {"records": []}}),
        (200, {"_embedded": {"records": [operation]}}),
    )
    with pytest.raises(Unavailable, match="0 of 1"):
        chain.transaction(VECTOR_HASH)
    outcome = chain.transaction(VECTOR_HASH)
    assert outcome is not None
    assert [one.amount_stroops for one in outcome.transfers] == [12_3400000]


@pytest.mark.parametrize("hash_", ["", "../accounts", "DC" * 32, "dc" * 31])
def test_what_is_no_hash_is_never_asked_for(chain: StellarChain, hash_: str) -> None:
    with pytest.raises(ValueError, match="64"):
        chain.transaction(hash_)


@pytest.mark.parametrize("status", [404, 405])
def test_a_horizon_without_the_asynchronous_address_is_served_by_the_other(
    horizon: Script, chain: StellarChain, status: int
) -> None:
    horizon.on("POST /transactions_async", (status, NOT_FOUND))
    horizon.on("POST /transactions", (200, {"hash": VECTOR_HASH, "successful": True}))
    assert chain.submit(SIGNED).status is SubmissionStatus.ACCEPTED
    assert horizon.calls() == ["POST /transactions_async", "POST /transactions"]
    assert b"tx=AAAAAgAAAAADoQe%2F884" in horizon.seen[1][3]


def test_the_waiting_address_reports_codes_and_time_outs(
    horizon: Script, chain: StellarChain
) -> None:
    problem = "https://stellar.org/horizon-errors/"
    failed = {
        "type": f"{problem}transaction_failed",
        "extras": {"result_codes": {"transaction": "tx_failed", "operations": ["op_no_trust"]}},
    }
    horizon.on("POST /transactions_async", (404, NOT_FOUND))
    horizon.on("POST /transactions", (400, failed), (504, {"type": f"{problem}timeout"}))
    refused = chain.submit(SIGNED)
    assert refused.status is SubmissionStatus.REJECTED
    assert refused.result_codes == ("tx_failed", "op_no_trust")
    with pytest.raises(OutcomeUnknown):
        chain.submit(SIGNED)


@pytest.mark.parametrize(
    ("status", "body", "expected", "codes"),
    [
        (201, {"tx_status": "PENDING", "hash": VECTOR_HASH}, "ACCEPTED", ()),
        (409, {"tx_status": "DUPLICATE", "hash": VECTOR_HASH}, "ACCEPTED", ()),
        (503, {"tx_status": "TRY_AGAIN_LATER", "hash": VECTOR_HASH}, "TRY_LATER", ()),
        (
            400,
            {"tx_status": "ERROR", "error_result_xdr": "AAAAAAAAAAD////7AAAAAA=="},
            "REJECTED",
            ("tx_bad_seq",),
        ),
        (400, {"tx_status": "ERROR"}, "REJECTED", ("unreadable_result",)),
        (400, {"type": "x/transaction_malformed"}, "REJECTED", ("transaction_malformed",)),
        (503, {"type": "x/stale_history"}, "TRY_LATER", ("stale_history",)),
    ],
)
def test_each_answer_to_a_submission_has_one_meaning(
    horizon: Script,
    chain: StellarChain,
    status: int,
    body: object,
    expected: str,
    codes: tuple[str, ...],
) -> None:
    horizon.on("POST /transactions_async", (status, body))
    submission = chain.submit(SIGNED)
    assert (submission.status, submission.result_codes) == (SubmissionStatus(expected), codes)


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, {"ok": True}, OutcomeUnknown),
        (201, {"tx_status": "SOMETHING_NEW"}, OutcomeUnknown),
        (400, "<html>bad request</html>", OutcomeUnknown),
        (409, {"hash": VECTOR_HASH}, OutcomeUnknown),
        (500, {"type": "x/server_error"}, OutcomeUnknown),
        (503, "<html>down</html>", OutcomeUnknown),
        (504, {"type": "x/timeout"}, OutcomeUnknown),
        (403, {"type": "x/forbidden"}, Unavailable),
        (415, {"type": "x/unsupported_media_type"}, Unavailable),
    ],
)
def test_an_answer_that_says_nothing_settles_nothing(
    horizon: Script, chain: StellarChain, status: int, body: object, failure: type[Exception]
) -> None:
    horizon.on("POST /transactions_async", (status, body))
    with pytest.raises(failure) as raised:
        chain.submit(SIGNED)
    assert type(raised.value) is failure


def test_records_at_or_before_the_cursor_are_not_listed_again(
    horizon: Script, chain: StellarChain
) -> None:
    def arrived(token: str) -> dict[str, object]:
        return {
            "id": token,
            "paging_token": token,
            "transaction_successful": True,
            "transaction_hash": VECTOR_HASH,
            "created_at": "2026-01-10T12:03:05Z",
            "type": "create_account",
            "funder": A.public_key,
            "account": B.public_key,
            "starting_balance": "1.0000000",
        }

    page = {"_embedded": {"records": [arrived("9"), arrived("10"), arrived("11")]}}
    horizon.on(f"GET /accounts/{B.public_key}/payments", (200, page))
    found = chain.incoming(B.public_key, cursor="9")
    assert [one.cursor for one in found.records] == ["10", "11"]
    assert found.last_cursor == "11"
    query = horizon.seen[0][2]
    assert query == {
        "cursor": ["9"],
        "order": ["asc"],
        "limit": ["200"],
        "join": ["transactions"],
    }


def test_without_a_friendbot_nobody_is_asked(chain: StellarChain) -> None:
    with pytest.raises(Rejected, match="no friendbot"):
        chain.fund_test_account(B.public_key)


@pytest.mark.parametrize(
    "settings",
    [{"max_base_fee_stroops": 99}, {"max_time_s": 0}, {"max_time_s": 3600}, {"usdc_issuer": "G"}],
)
def test_settings_that_could_never_work_are_refused(
    horizon: Script, clock: FakeClock, settings: dict[str, object]
) -> None:
    fields = {"usdc_issuer": ISSUER, "passphrase": "x", **settings}
    with pytest.raises(ValueError, match=r"fee|seconds|issuer"):
        StellarChain(connect(horizon.url), limiter=CountingLimiter(), clock=clock, **fields)  # type: ignore[arg-type]

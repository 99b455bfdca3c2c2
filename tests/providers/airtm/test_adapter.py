"""What Airtm's wire looks like from us, and answers that only the documents' gaps allow."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from offerhub.ports.errors import OutcomeUnknown, ProviderFailure, Rejected, Unavailable
from offerhub.ports.payments import Payin, Payout, PayoutStatus
from offerhub.providers.airtm import AirtmPayments, build_airtm
from tests.providers.airtm.test_mapping import PAYIN, PAYOUT
from tests.providers.network_world import CountingLimiter
from tests.providers.scripted_server import Script, scripted

ID = "8f6f3c0e"
EXISTS = (409, {"code": "415056", "message": "exists"})
PAYIN_EXISTS = (409, {"code": "415029", "message": "exists"})
TEMPLATE = "https://app.example/payin/{id}"


@pytest.fixture
def airtm() -> Iterator[Script]:
    with scripted() as script:
        yield script


def adapter(script: Script, **options: Any) -> AirtmPayments:
    return build_airtm(
        **{
            "base_url": script.url + "/v2",
            "api_key": "key",
            "api_secret": "pass",
            "checkout_url_template": TEMPLATE,
            "limiter": CountingLimiter(),
            **options,
        }
    )


def pay_in(script: Script) -> Payin:
    return adapter(script).create_payin(
        code="topup_demo1",
        amount_stroops=500_000_000,
        description="Wallet top-up",
        confirmed_url="https://shop.example/ok",
        canceled_url="https://shop.example/no",
    )


def pay_out(script: Script) -> Payout:
    return adapter(script).create_payout(
        code="wd_demo1",
        amount_stroops=200_000_000,
        recipient_email="ana@example.com",
        note="Withdrawal wd_demo1",
    )


def failure_of(call: Callable[[], object]) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        call()
    return caught.value


def jsonable(record: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(record, default=float))


def test_a_payin_is_asked_for_with_exactly_the_documented_members(airtm: Script) -> None:
    airtm.on("POST /v2/payins", (200, jsonable({**PAYIN, "status": "CREATED"})))
    pay_in(airtm)
    assert airtm.seen[0][3] == (
        b'{"code":"topup_demo1","amount":50.00,"description":"Wallet top-up",'
        b'"items":[{"description":"Wallet top-up","amount":50.00,"quantity":1}],'
        b'"confirmationUri":"https://shop.example/ok","cancelUri":"https://shop.example/no"}'
    )


def test_a_payout_is_asked_for_with_exactly_the_documented_members(airtm: Script) -> None:
    airtm.on("POST /v2/payouts", (200, jsonable({**PAYOUT, "status": "CREATED"})))
    pay_out(airtm)
    assert airtm.seen[0][3] == (
        b'{"code":"wd_demo1","airtmUserEmail":"ana@example.com","amount":20.00,'
        b'"notes":"Withdrawal wd_demo1","commit":false}'
    )


def test_an_answer_to_a_create_that_is_about_something_else_is_not_believed(airtm: Script) -> None:
    for changes in ({"code": "topup_other"}, {"amount": 51}):
        airtm.on("POST /v2/payins", (200, jsonable({**PAYIN, **changes})))
        assert type(failure_of(lambda: pay_in(airtm))) is OutcomeUnknown
    for changes in ({"code": "wd_other"}, {"amount": 21}):
        airtm.on("POST /v2/payouts", (200, jsonable({**PAYOUT, **changes})))
        assert type(failure_of(lambda: pay_out(airtm))) is OutcomeUnknown


def test_a_code_that_exists_and_is_not_found_is_left_open(airtm: Script) -> None:
    gone = (404, {"code": "415902", "message": "not found"})
    airtm.on("POST /v2/payins", PAYIN_EXISTS)
    airtm.on("GET /v2/payins/by-code/topup_demo1", gone)
    airtm.on("POST /v2/payouts", EXISTS)
    airtm.on("GET /v2/payouts/by-code/wd_demo1", gone)
    for call in (lambda: pay_in(airtm), lambda: pay_out(airtm)):
        failure = failure_of(call)
        assert type(failure) is OutcomeUnknown
        assert failure.code in ("415029", "415056")


def test_refused_credentials_while_looking_do_not_undo_what_exists(airtm: Script) -> None:
    airtm.on("POST /v2/payouts", EXISTS)
    airtm.on("GET /v2/payouts/by-code/wd_demo1", (401, {"code": "415904", "message": "no"}))
    assert type(failure_of(lambda: pay_out(airtm))) is OutcomeUnknown


def test_an_answer_about_another_code_is_not_taken_for_ours(airtm: Script) -> None:
    airtm.on("GET /v2/payins/by-code/TOPUP_demo1", (200, jsonable(PAYIN)))
    airtm.on("GET /v2/payouts/by-code/WD_demo1", (200, jsonable(PAYOUT)))
    assert type(failure_of(lambda: adapter(airtm).find_payin("TOPUP_demo1"))) is Unavailable
    assert type(failure_of(lambda: adapter(airtm).find_payout("WD_demo1"))) is Unavailable


@pytest.mark.parametrize("answer", [(204, ""), (201, ""), (200, "accepted"), (202, {"id": 1})])
def test_any_2xx_accepts_a_commit_whatever_its_body(airtm: Script, answer: tuple[int, Any]) -> None:
    airtm.on(f"POST /v2/payouts/{ID}/commit", answer)
    airtm.on(f"GET /v2/payouts/{ID}", (200, jsonable({**PAYOUT, "status": "COMMITTED"})))
    assert adapter(airtm).commit_payout(ID).status is PayoutStatus.COMMITTED
    assert airtm.calls() == [f"POST /v2/payouts/{ID}/commit", f"GET /v2/payouts/{ID}"]


def test_a_commit_refused_for_good_is_not_looked_up(airtm: Script) -> None:
    airtm.on(f"POST /v2/payouts/{ID}/commit", (422, {"code": "415062", "message": "AML"}))
    failure = failure_of(lambda: adapter(airtm).commit_payout(ID))
    assert isinstance(failure, Rejected)
    assert failure.error_code == "WITHDRAWAL_DESTINATION_INVALID"
    assert len(airtm.seen) == 1


def test_a_late_cancel_whose_state_cannot_be_read_is_still_late(airtm: Script) -> None:
    airtm.on(f"DELETE /v2/payins/{ID}", (409, {"code": "415030", "message": "too late"}))
    airtm.on(f"GET /v2/payins/{ID}", (502, "<html>"))
    failure = failure_of(lambda: adapter(airtm).cancel_payin(ID))
    assert isinstance(failure, Rejected)
    assert failure.error_code == "INVALID_STATE"


def test_a_cancel_refused_for_another_reason_is_told_as_it_is(airtm: Script) -> None:
    for path, cancel in (
        ("payins", lambda: adapter(airtm).cancel_payin(ID)),
        ("payouts", lambda: adapter(airtm).cancel_payout(ID)),
    ):
        airtm.on(f"DELETE /v2/{path}/{ID}", (403, {"code": "415905", "message": "no permission"}))
        failure = failure_of(cancel)
        assert isinstance(failure, Rejected)
        assert (failure.code, failure.error_code) == ("415905", "PROVIDER_ERROR")


def test_ping_believes_only_an_answer_that_names_the_enterprise(airtm: Script) -> None:
    airtm.on("GET /v2/me", (200, {"id": "ent-1"}))
    adapter(airtm).ping()
    airtm.on("GET /v2/me", (200, {"hello": "I am a captive portal"}))
    assert type(failure_of(adapter(airtm).ping)) is Unavailable


def test_every_call_takes_one_permit(airtm: Script) -> None:
    airtm.on(f"POST /v2/payouts/{ID}/commit", (204, ""))
    airtm.on(f"GET /v2/payouts/{ID}", (200, jsonable(PAYOUT)))
    limiter = CountingLimiter()
    adapter(airtm, limiter=limiter).commit_payout(ID)
    assert limiter.calls == ["airtm", "airtm"]


def test_the_hook_hears_of_every_call(airtm: Script) -> None:
    airtm.on("GET /v2/me", (200, {"id": "ent-1"}))
    heard: list[tuple[str, str]] = []
    adapter(airtm, on_call=lambda provider, outcome, _s: heard.append((provider, outcome))).ping()
    assert heard == [("airtm", "ok")]


@pytest.mark.parametrize(
    "options",
    [
        {"checkout_url_template": "https://app.example/payin/"},
        {"checkout_url_template": "https://app.example/{id}/{id}"},
        {"checkout_url_template": "javascript:{id}"},
        {"api_key": ""},
        {"api_key": "a:b"},
        {"api_secret": ""},
        {"base_url": "api.example"},
    ],
    ids=str,
)
def test_values_that_cannot_work_are_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"template|Airtm needs|base URL"):
        adapter(Script(url="http://127.0.0.1:1"), **options)

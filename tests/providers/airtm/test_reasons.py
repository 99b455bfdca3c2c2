"""What each of Airtm's refusals means for us."""

from typing import Any

import pytest

from offerhub.domain.errors import CATALOG
from offerhub.ports.errors import OutcomeUnknown, Rejected, Unavailable
from offerhub.providers.airtm import reasons
from offerhub.providers.answers import Answer

OWN_ERRORS = {
    "PROVIDER_ERROR": (
        "415904 415905 415006 415024 415025 415028 415901 415903 415906 415054 415902 415005"
        " 415031 415039 415011 415012 415013 415015 415017 415019 415041 415022 415045 415047"
        " 415036 415046 415048 415049 415050 415051"
    ),
    "INVALID_STATE": "415027 415029 415056 415055 415030 415032",
    "INSUFFICIENT_FUNDS": "415034",
    "INVALID_AMOUNT": "415035 415057 415058",
    "AIRTM_USER_INVALID": "415053",
    "WITHDRAWAL_DESTINATION_INVALID": (
        "415059 415008 415009 415010 415060 415061 415062 415064 415065 415103 415912 415073"
    ),
}
FINAL = [(code, error) for error, codes in OWN_ERRORS.items() for code in codes.split()]


def judged(code: Any, *, status: int = 422, changes: bool = True, **more: Any) -> Any:
    body = {"code": code, "message": "told by Airtm", **more}
    return reasons.judge(Answer(status=status, body=body, is_json=True, retry_after_s=9.0), changes)


def test_the_table_is_the_whole_of_it() -> None:
    assert dict(FINAL) == dict(reasons.REJECTED)
    assert set(reasons.REJECTED.values()) <= set(CATALOG)
    assert not set(reasons.REJECTED) & (reasons.TREASURY_LOW | reasons.UNCERTAIN)


@pytest.mark.parametrize(("code", "error_code"), FINAL)
@pytest.mark.parametrize("status", [400, 422, 429, 500, 503])
def test_a_known_refusal_is_final_whatever_its_http_status(
    code: str, error_code: str, status: int
) -> None:
    failure = judged(code, status=status)
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.error_code, failure.provider) == (code, error_code, "airtm")
    assert "told by Airtm" in failure.message


@pytest.mark.parametrize("code", ["415014", "415016"])
def test_our_own_low_balance_keeps_what_waits_for_it(code: str) -> None:
    failure = judged(code)
    assert type(failure) is Unavailable
    assert failure.code == code
    assert "our own balance" in failure.message


@pytest.mark.parametrize("code", ["415003", "415998", "415999"])
@pytest.mark.parametrize("status", [400, 500, 503])
def test_airtm_not_knowing_is_unknown_for_a_change_and_unavailable_for_a_read(
    code: str, status: int
) -> None:
    assert type(judged(code, status=status, changes=True)) is OutcomeUnknown
    failure = judged(code, status=status, changes=False)
    assert type(failure) is Unavailable
    assert failure.retry_after_s == 9.0


@pytest.mark.parametrize("status", [400, 401, 403, 409, 422])
def test_an_unheard_of_code_is_final_by_its_status(status: int) -> None:
    failure = judged("415777", status=status)
    assert type(failure) is Rejected
    assert (failure.code, failure.error_code) == ("415777", "PROVIDER_ERROR")


@pytest.mark.parametrize("status", [301, 408, 425, 500, 502, 503, 504])
def test_an_unheard_of_code_decides_nothing_with_these_statuses(status: int) -> None:
    assert type(judged("415777", status=status, changes=True)) is OutcomeUnknown
    assert type(judged("415777", status=status, changes=False)) is Unavailable


def test_429_is_left_to_the_client() -> None:
    assert judged("429", status=429) is None
    assert reasons.judge(Answer(status=429, body=None, is_json=False), True) is None


@pytest.mark.parametrize("code", ["415005", "415031", "415039", "415059", "415902"])
def test_not_found_is_told_apart(code: str) -> None:
    assert isinstance(judged(code, status=404, changes=False), reasons.Missing)
    assert isinstance(judged(code, status=400, changes=False), reasons.Missing)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"message": "no Route matched with those values"},
        {"code": 404, "message": "not found"},
        {"code": "415005"},
        ["415005"],
        {"code": {"a": 1}, "message": "x"},
        {"code": "4" * 65, "message": "x"},
    ],
    ids=str,
)
def test_a_gateway_s_404_does_not_pass_for_there_is_none(body: Any) -> None:
    answer = Answer(status=404, body=body, is_json=body is not None)
    assert type(reasons.judge(answer, False)) is Unavailable
    assert type(reasons.judge(answer, True)) is OutcomeUnknown


def test_a_code_may_come_as_a_number() -> None:
    failure = judged(415059)
    assert (failure.code, failure.error_code) == ("415059", "WITHDRAWAL_DESTINATION_INVALID")


def test_a_long_message_is_cut() -> None:
    assert len(judged("415901", message="x" * 10_000).message) < 400

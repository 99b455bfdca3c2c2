"""The client's errors against the appliance's catalogue."""

import pytest

from offerhub import sdk
from offerhub.domain.errors import CATALOG
from offerhub.sdk.errors import ERROR_CLASSES


def test_every_code_of_the_catalogue_has_a_class_and_no_class_lacks_a_code() -> None:
    assert set(ERROR_CLASSES) == set(CATALOG)


@pytest.mark.parametrize("code", sorted(CATALOG))
def test_a_class_agrees_with_the_catalogue(code: str) -> None:
    entry, known = CATALOG[code], ERROR_CLASSES[code]
    assert (known.code, known.status, known.retry) == (code, entry.status, entry.retry)
    assert known.__doc__ == entry.message
    assert getattr(sdk, known.__name__) is known
    assert known.__name__.lower() == code.replace("_", "").lower()


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (401, sdk.AuthenticationError),
        (403, sdk.PermissionDenied),
        (404, sdk.NotFoundError),
        (409, sdk.ConflictError),
        (422, sdk.UnprocessableError),
        (429, sdk.RateLimitError),
        (500, sdk.ServerError),
        (400, sdk.InvalidRequestError),
    ],
)
def test_each_status_is_caught_by_its_family(status: int, family: type[sdk.ApiError]) -> None:
    classes = [cls for cls in ERROR_CLASSES.values() if cls.status == status]
    assert classes
    assert all(issubclass(cls, family) for cls in classes)


def test_an_unknown_code_becomes_the_family_of_its_status(script, client) -> None:
    script.error(422, "A_CODE_OF_TOMORROW", details={"why": "new"})
    with pytest.raises(sdk.UnprocessableError) as caught:
        client.users.get("usr_1")
    assert caught.value.code == "A_CODE_OF_TOMORROW"
    assert caught.value.details == {"why": "new"}


def test_an_error_carries_everything_that_support_asks_for(script, client) -> None:
    script.error(422, "INSUFFICIENT_FUNDS", details={"available": "1.00"})
    with pytest.raises(sdk.InsufficientFunds) as caught:
        client.orders.reserve("ord_1")
    error = caught.value
    assert (error.code, error.status, error.retry) == ("INSUFFICIENT_FUNDS", 422, "after_change")
    assert error.request_id == "req_err"
    assert error.details == {"available": "1.00"}
    assert "req_err" in str(error)
    assert "because INSUFFICIENT_FUNDS" in str(error)


def test_fields_of_a_validation_error_can_be_looked_up(script, client) -> None:
    script.error(
        400, "VALIDATION_ERROR", details={"fields": [{"field": "email", "message": "not one"}]}
    )
    with pytest.raises(sdk.ValidationError) as caught:
        client.users.create(external_user_id="a", type="BUYER", email="x")
    assert caught.value.fields == {"email": "not one"}


def test_an_answer_from_something_else_is_not_mistaken_for_a_success(script, client) -> None:
    script.answer(200, b"<html>welcome</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(sdk.UnexpectedAnswer):
        client.me()


def test_a_refusal_without_an_envelope_still_becomes_an_api_error(script, client) -> None:
    script.answer(403, b"forbidden by the proxy", headers={"X-Request-ID": "req_proxy"})
    with pytest.raises(sdk.PermissionDenied) as caught:
        client.me()
    assert (caught.value.code, caught.value.request_id) == ("HTTP_403", "req_proxy")

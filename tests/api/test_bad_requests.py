"""What cannot be read, what is not allowed, and what nobody should be able to break."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offerhub.api import json_body
from offerhub.domain import ids
from tests.api.caller import Caller, code, fields

USER = {"external_user_id": "ana", "type": "BOTH"}
# Nobody's. Fixed, because they are part of the tests' names, which every process has to share.
BUYER, SELLER = f"usr_{'B' * ids.LENGTH}", f"usr_{'S' * ids.LENGTH}"
ORDER = {"buyer_id": BUYER, "seller_id": SELLER, "amount": "10.00", "title": "Logo"}
TOPUP = {
    "user_id": BUYER,
    "amount": "10.00",
    "return_url": "https://shop.example/done",
    "cancel_url": "https://shop.example/cart",
}
WITHDRAWAL = {
    "user_id": BUYER,
    "amount": "10.00",
    "destination_type": "CRYPTO",
    "destination_ref": "G" + "A" * 55,
}

RAW = [
    (b"{", "INVALID_REQUEST"),
    (b'{"a": 1, "a": 2}', "INVALID_REQUEST"),
    (b'{"metadata": {"x": {"y": 1, "y": 1}}}', "INVALID_REQUEST"),
    (b'{"a": NaN}', "INVALID_REQUEST"),
    (b'{"a": -Infinity}', "INVALID_REQUEST"),
    (b'{"a": "\\u0000"}', "INVALID_REQUEST"),
    (b'{"\\u0000": "a"}', "INVALID_REQUEST"),
    (b'{"a": "\\ud800"}', "INVALID_REQUEST"),
    (b'{"a": "\xff"}', "INVALID_REQUEST"),
    (b"\xef\xbb\xbf{}", "INVALID_REQUEST"),
    (b"[]", "INVALID_REQUEST"),
    (b"null", "INVALID_REQUEST"),
    (b'"text"', "INVALID_REQUEST"),
    (b"1e999999999", "INVALID_REQUEST"),
    (b"[" * 100_000, "INVALID_REQUEST"),
    (b"[" * 100 + b"]" * 100, "INVALID_REQUEST"),
    (b'{"a": ' + b"9" * 5000 + b"}", "INVALID_REQUEST"),
    (b"{}", "MISSING_REQUIRED_FIELD"),
    (b"", "MISSING_REQUIRED_FIELD"),
    (b'{"external_user_id": "a", "type": "BOTH", "x": 1}', "VALIDATION_ERROR"),
]


@pytest.mark.parametrize(("raw", "expected"), RAW, ids=range(len(RAW)))
def test_a_body_that_cannot_be_read_is_refused(api: Caller, raw: bytes, expected: str) -> None:
    answer = api.send("POST", "/users", raw=raw)
    assert (answer.status_code, code(answer)) == (400, expected)


CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    *[
        ("/orders", ORDER, {"amount": bad}, "INVALID_AMOUNT_FORMAT", "amount")
        for bad in (
            10, 10.0, "1", "1.5", "-1.00", "1,00", "1e3", "0.00", "+1.00", " 1.00", "1.00 ",
            "1.000", "١.٠٠", "", None, True, [], {}, "NaN", "0x1.00", "1.00\n"
        )
    ],
    ("/orders", ORDER, {"amount": "922337203686.00"}, "INVALID_AMOUNT", "amount"),
    ("/orders", ORDER, {"amount": "1" * 400 + ".00"}, "INVALID_AMOUNT", "amount"),
    ("/orders", ORDER, {"currency": "EUR"}, "INVALID_CURRENCY", "currency"),
    ("/orders", ORDER, {"currency": 5}, "INVALID_CURRENCY", "currency"),
    ("/orders", ORDER, {"title": ""}, "VALIDATION_ERROR", "title"),
    ("/orders", ORDER, {"title": "x" * 101}, "VALIDATION_ERROR", "title"),
    ("/orders", ORDER, {"title": 7}, "VALIDATION_ERROR", "title"),
    ("/orders", ORDER, {"title": None}, "VALIDATION_ERROR", "title"),
    ("/orders", ORDER, {"description": "x" * 501}, "VALIDATION_ERROR", "description"),
    ("/orders", ORDER, {"client_order_ref": "x" * 101}, "VALIDATION_ERROR", "client_order_ref"),
    ("/orders", ORDER, {"buyer_id": "usr_short"}, "VALIDATION_ERROR", "buyer_id"),
    ("/orders", ORDER, {"seller_id": BUYER}, "VALIDATION_ERROR", "seller_id"),
    ("/orders", ORDER, {"platform_fee_bps": -1}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"platform_fee_bps": 9901}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"platform_fee_bps": "250"}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"platform_fee_bps": 2.5}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"platform_fee_bps": 10**30}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"platform_fee_bps": True}, "VALIDATION_ERROR", "platform_fee_bps"),
    ("/orders", ORDER, {"metadata": []}, "VALIDATION_ERROR", "metadata"),
    ("/orders", ORDER, {"metadata": {"x": "y" * 4096}}, "VALIDATION_ERROR", "metadata"),
    ("/orders", ORDER, {"metadata": {"x": 2**63}}, "VALIDATION_ERROR", "metadata"),
    ("/orders", ORDER, {"milestones": [{"title": "a", "amount": "1.00"}]},
     "MISSING_REQUIRED_FIELD", "milestones.0.milestone_ref"),
    ("/orders", ORDER, {"milestones": [{"milestone_ref": "a", "title": "a", "amount": "9.00"}]},
     "VALIDATION_ERROR", "milestones"),
    ("/orders", ORDER, {"milestones": [{"milestone_ref": "a", "title": "a", "amount": "5.00"}] * 2},
     "VALIDATION_ERROR", "milestones"),
    ("/orders", ORDER, {"milestones": "abc"}, "VALIDATION_ERROR", "milestones"),
    *[
        ("/orders", ORDER,
         {"milestones": [{"milestone_ref": bad, "title": "a", "amount": "10.00"}]},
         "VALIDATION_ERROR", "milestones.0.milestone_ref")
        for bad in ("a/b", "/", ".", "..", " ")
    ],
    ("/topups", TOPUP, {"return_url": "http://shop.example/x"}, "VALIDATION_ERROR", "return_url"),
    *[
        ("/topups", TOPUP, {"return_url": bad}, "VALIDATION_ERROR", "return_url")
        for bad in (
            "javascript:alert(1)", "//shop.example", "/path", "https://", "ftp://shop.example/",
            "https://user:pw@shop.example/", "https://shop.example\\@evil.example/",
            "https://shop.example/\r\nX: y", "https://shop.example/é", "https://shop.example:x/",
            "https://[::1", "https://a/" + "x" * 2048, 7,
        )
    ],
    ("/withdrawals", WITHDRAWAL, {"destination_type": "CASH"}, "VALIDATION_ERROR",
     "destination_type"),
    ("/withdrawals", WITHDRAWAL, {"commit": 1}, "VALIDATION_ERROR", "commit"),
    ("/withdrawals", WITHDRAWAL, {"commit": "true"}, "VALIDATION_ERROR", "commit"),
    ("/users", USER, {"type": "buyer"}, "VALIDATION_ERROR", "type"),
    ("/users", USER, {"email": "no-at"}, "VALIDATION_ERROR", "email"),
    ("/users", USER, {"email": "a@b@c"}, "VALIDATION_ERROR", "email"),
    ("/users", USER, {"external_user_id": "x" * 256}, "VALIDATION_ERROR", "external_user_id"),
    ("/auth/api-keys", {"name": "k", "scopes": ["read"]}, {"scopes": []}, "VALIDATION_ERROR",
     "scopes"),
    ("/auth/api-keys", {"name": "k", "scopes": ["read"]}, {"scopes": ["root"]}, "VALIDATION_ERROR",
     "scopes.0"),
    ("/auth/api-keys", {"name": "k", "scopes": ["read"]}, {"expires_at": "tomorrow"},
     "VALIDATION_ERROR", "expires_at"),
    ("/auth/api-keys", {"name": "k", "scopes": ["read"]}, {"expires_at": "2027-01-01T00:00:00"},
     "VALIDATION_ERROR", "expires_at"),
]  # fmt: skip


def _call_many(api: Caller, cases: list[Any]) -> None:
    for path, good, bad, expected, field in cases:
        answer = api.post(path, {**good, **bad})
        assert (answer.status_code, code(answer)) == (400, expected), (path, bad, answer.text)
        assert set(fields(answer)) == {field}, (path, bad, answer.text)


@pytest.mark.parametrize("part", range(8))
def test_a_bad_field_is_named_with_its_code(api: Caller, part: int) -> None:
    _call_many(api, CASES[part::8])


def test_all_bad_fields_are_named_at_once(api: Caller) -> None:
    answer = api.post("/orders", {**ORDER, "amount": 1, "title": 1, "nope": 1})
    assert code(answer) == "VALIDATION_ERROR"
    assert set(fields(answer)) == {"amount", "title", "nope"}


def test_null_is_the_same_as_absent(api: Caller) -> None:
    made = api.made("/users", {**USER, "email": None, "metadata": None})
    assert (made["email"], made["metadata"]) == (None, {})


def test_metadata_comes_back_as_it_was_sent(api: Caller) -> None:
    sent = {"n": None, "f": 1.25, "i": 2**53, "t": "é\U0001f600", "l": [True, {"x": []}], "": ""}
    made = api.made("/users", {**USER, "metadata": sent})
    assert api.get(f"/users/{made['id']}").json["data"]["metadata"] == sent


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.0", "limit=", "limit=1&limit=2",
        "limit=99999999999999999999", "cursor=nonsense", "cursor=", "unknown=1", "type=CAT",
        "status=", "external_user_id=%00", "external_user_id=", "cursor=W10",
        "cursor=WzFlOTk5LCAiYSJd", "cursor=" + "A" * 600,
    ],
)  # fmt: skip
def test_a_bad_query_is_refused(api: Caller, query: str) -> None:
    answer = api.get(f"/users?{query}")
    assert (answer.status_code, code(answer)) in {
        (400, "VALIDATION_ERROR"),
        (400, "INVALID_REQUEST"),
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/users/nobody", "USER_NOT_FOUND"),
        (f"/users/{BUYER}", "USER_NOT_FOUND"),
        (f"/users/{BUYER}/balance", "USER_NOT_FOUND"),
        (f"/users/{BUYER}/ledger", "USER_NOT_FOUND"),
        (f"/users/{BUYER}/wallet", "USER_NOT_FOUND"),
        ("/users/%00", "USER_NOT_FOUND"),
        ("/users/usr_%F0%9F%98%80", "USER_NOT_FOUND"),
        (f"/topups/{BUYER}", "TOPUP_NOT_FOUND"),
        (f"/orders/ord_{'a' * 21}", "ORDER_NOT_FOUND"),
        (f"/withdrawals/wd_{'a' * 21}", "WITHDRAWAL_NOT_FOUND"),
        ("/nowhere", "NOT_FOUND"),
        ("/users/", "NOT_FOUND"),
        ("//users", "NOT_FOUND"),
        ("/..%2fme", "NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_not_found(api: Caller, path: str, expected: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, code(answer)) == (404, expected)


def test_a_wrong_method_is_answered_with_the_right_ones(api: Caller) -> None:
    answer = api.send("PUT", "/users")
    assert (answer.status_code, code(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=x"]
)
def test_a_body_of_another_kind_is_refused(api: Caller, kind: str) -> None:
    raw = json.dumps(USER).encode()
    answer = api.send("POST", "/users", raw=raw, headers={"Content-Type": kind})
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_compressed_body_is_refused(api: Caller) -> None:
    headers = {"Content-Encoding": "gzip"}
    answer = api.send("POST", "/users", raw=b"{}", headers=headers)
    assert (answer.status_code, code(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_above_one_mebibyte_is_refused(api: Caller) -> None:
    for size, expected in ((1024 * 1024 + 1, 413), (1024 * 1024, 400)):
        answer = api.send("POST", "/users", raw=b" " * size)
        assert answer.status_code == expected
    assert code(api.send("POST", "/users", raw=b" " * 2_000_000)) == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-1._Z", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False)],
)
def test_a_request_id_is_taken_over_when_it_is_a_plain_word(
    api: Caller, sent: str, kept: bool
) -> None:
    answer = api.get("/me", X_Request_ID=sent)
    assert (answer.headers["X-Request-ID"] == sent) is kept
    assert answer.json["meta"]["request_id"] == answer.headers["X-Request-ID"]


def test_an_error_carries_the_request_id(api: Caller) -> None:
    answer = api.get("/users/nobody", X_Request_ID="mine")
    assert answer.json["error"]["request_id"] == answer.headers["X-Request-ID"] == "mine"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = sorted({*ORDER, *TOPUP, *WITHDRAWAL, *USER, "metadata", "milestones", "scopes", "name"})


@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    path=st.sampled_from(["/users", "/orders", "/topups", "/withdrawals", "/auth/api-keys"]),
    body=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8) | JSON,
)
def test_no_body_makes_the_server_fail(api: Caller, path: str, body: Any) -> None:
    api.flask_app.extensions["offerhub"].app.redis.flushall()
    answer = api.post(path, body)
    assert answer.status_code < 500, answer.text


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.binary(max_size=60), path=st.text(max_size=30))
def test_no_bytes_make_the_server_fail(api: Caller, raw: bytes, path: str) -> None:
    from urllib.parse import quote

    api.flask_app.extensions["offerhub"].app.redis.flushall()
    assert api.send("POST", "/orders", raw=raw).status_code < 500
    assert api.get(f"/users?cursor={quote(raw)}").status_code < 500
    assert api.get(f"/orders/{quote(path)}").status_code < 500


@given(st.binary(max_size=200))
def test_reading_a_body_either_succeeds_or_says_why(raw: bytes) -> None:
    try:
        value = json_body.parse(raw)
    except json_body.InvalidRequest:
        return
    assert json_body.canonical(value) == json_body.canonical(json_body.parse(raw))


@given(JSON)
def test_the_canonical_form_does_not_depend_on_formatting(value: Any) -> None:
    text = json.dumps(value)
    if json_body.bad_text(json.dumps(value, ensure_ascii=False)):
        return
    try:
        one = json_body.parse(text.encode())
    except json_body.InvalidRequest:
        return
    other = json_body.parse(json.dumps(value, indent=2, ensure_ascii=False).encode())
    assert json_body.canonical(one) == json_body.canonical(other)

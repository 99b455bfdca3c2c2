"""Airtm's webhooks: only what its sender signed, now, over these very bytes."""

import base64
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from offerhub.ports.webhooks import SignatureInvalid, VerifiedWebhook
from offerhub.providers.airtm.webhooks import AirtmWebhooks

SECRET_A = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET_B = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
NOW_B = 1768046580
BODY_B = (
    b'{"type":"payin.confirmed","data":{"id":"5b0f1c7e-2a55-4f0e-9f5f-3f5b8f1f0a11",'
    b'"code":"topup_demo1","status":"CONFIRMED","amount":50,"netAmount":48.75,"airtmFee":1.25,'
    b'"description":"Wallet top-up","items":[],"createdAt":"2026-01-10T12:00:00.000Z",'
    b'"updatedAt":"2026-01-10T12:03:00.000Z","confirmationUri":"https://shop.example/ok",'
    b'"cancelUri":"https://shop.example/no"}}'
)
SIGNATURE_B = "v1,IMQj3BItgAc5E1tJnXDD5UzEAsOuJMVBbvJKF9VjgZc="
RIGHT: dict[str, str] = {
    "svix-id": "msg_demo_0001",
    "svix-timestamp": str(NOW_B),
    "svix-signature": SIGNATURE_B,
}


def verify(
    headers: dict[str, str] = RIGHT,
    body: bytes = BODY_B,
    *,
    now_s: int = NOW_B,
    secret: str = SECRET_B,
) -> VerifiedWebhook:
    return AirtmWebhooks(secret).verify(headers, body, now_s=now_s)


def signed(body: bytes, *, event_id: str = "msg_1", at_s: int = NOW_B) -> dict[str, str]:
    moment = datetime.fromtimestamp(at_s, UTC)
    signature = svix.Webhook(SECRET_B).sign(event_id, moment, body.decode())
    return {"svix-id": event_id, "svix-timestamp": str(at_s), "svix-signature": signature}


def test_the_published_vector_verifies_up_to_its_body_that_is_no_envelope() -> None:
    headers = {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'
    with pytest.raises(ValueError, match="no envelope"):
        verify(headers, body, now_s=1614265330, secret=SECRET_A)
    with pytest.raises(SignatureInvalid):
        verify(headers, body + b" ", now_s=1614265330, secret=SECRET_A)


def test_our_vector_verifies_and_says_what_it_points_at() -> None:
    assert len(BODY_B) == 368
    assert verify() == VerifiedWebhook("msg_demo_0001", "payin.confirmed", "topup_demo1")


@pytest.mark.parametrize("family", ["svix", "webhook", "Svix", "WEBHOOK"])
def test_either_family_of_headers_counts_in_any_case(family: str) -> None:
    headers = {name.replace("svix", family): value for name, value in RIGHT.items()}
    assert verify(headers).event_id == "msg_demo_0001"


def test_a_set_is_not_completed_from_the_other_family() -> None:
    mixed = {**RIGHT, "webhook-id": RIGHT["svix-id"]}
    del mixed["svix-id"]
    with pytest.raises(SignatureInvalid, match="missing"):
        verify(mixed)


@pytest.mark.parametrize("missing", RIGHT)
@pytest.mark.parametrize("value", [None, ""])
def test_every_header_is_needed(missing: str, value: str | None) -> None:
    headers = {name: text for name, text in RIGHT.items() if name != missing}
    if value is not None:
        headers[missing] = value
    with pytest.raises(SignatureInvalid, match="missing"):
        verify(headers)


@pytest.mark.parametrize("off_s", [-300, -299, 0, 299, 300])
def test_five_minutes_either_way_are_fine(off_s: int) -> None:
    assert verify(now_s=NOW_B + off_s).event_type == "payin.confirmed"


@pytest.mark.parametrize("off_s", [-86_400, -301, 301, 86_400])
def test_more_than_five_minutes_either_way_are_not(off_s: int) -> None:
    with pytest.raises(SignatureInvalid, match="300 s"):
        verify(now_s=NOW_B + off_s)


@pytest.mark.parametrize(
    "timestamp",
    ["1768046580.0", " 1768046580", "+1768046580", "1e9", "now", "١٧٦٨", "9" * 13, "-1"],
)
def test_a_timestamp_is_plain_digits(timestamp: str) -> None:
    with pytest.raises(SignatureInvalid, match="timestamp"):
        verify({**RIGHT, "svix-timestamp": timestamp})


@pytest.mark.parametrize("event_id", ["msg.1", "msg 1", "msg\n1", "mség", "x" * 129])
def test_an_id_that_could_be_read_in_two_ways_is_refused(event_id: str) -> None:
    with pytest.raises(SignatureInvalid, match="id is malformed"):
        verify({**RIGHT, "svix-id": event_id})


def test_one_matching_signature_among_several_is_enough() -> None:
    other = "v1," + base64.b64encode(secrets.token_bytes(32)).decode()
    for several in (
        f"{other} {SIGNATURE_B}",
        f"{SIGNATURE_B} {other}",
        f"v1a,xx v1 ,, {SIGNATURE_B}",
    ):
        assert verify({**RIGHT, "svix-signature": several}).event_id == "msg_demo_0001"


@pytest.mark.parametrize(
    "signature",
    [
        "v1," + base64.b64encode(b"\0" * 32).decode(),
        SIGNATURE_B.replace("v1,", "v2,"),
        SIGNATURE_B.replace("v1,", "v1a,"),
        SIGNATURE_B.removeprefix("v1,"),
        SIGNATURE_B.replace("=", ""),
        SIGNATURE_B + "x",
        SIGNATURE_B.lower(),
        "v1,",
        "v1",
        ",",
        "v1,é",
        " ".join(["v1,AAAA"] * 16 + [SIGNATURE_B]),
    ],
)
def test_anything_else_does_not_match(signature: str) -> None:
    with pytest.raises(SignatureInvalid, match="no signature matches"):
        verify({**RIGHT, "svix-signature": signature})


@pytest.mark.parametrize(
    "body",
    [BODY_B + b"\n", BODY_B.replace(b"50", b"51"), BODY_B.replace(b",", b", "), b"", b"{}"],
)
def test_the_signature_is_over_the_very_bytes(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(body=body)


def test_another_secret_does_not_verify() -> None:
    with pytest.raises(SignatureInvalid):
        verify(secret=SECRET_A)


@pytest.mark.parametrize(
    "secret",
    [
        "placeholder",
        SECRET_B.removeprefix("whsec_"),
        "whsec_",
        "whsec_not base64 at all, sorry, but long enough",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        SECRET_B + "=",
        " " + SECRET_B,
    ],
)
def test_a_malformed_secret_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64") as caught:
        AirtmWebhooks(secret)
    assert secret == "whsec_" or secret not in str(caught.value)


@pytest.mark.parametrize("secret", ["", None])
def test_without_a_secret_nothing_is_accepted(secret: str | None) -> None:
    verifier = AirtmWebhooks(secret)
    assert verifier.configured is False
    with pytest.raises(SignatureInvalid, match="no secret"):
        verifier.verify(RIGHT, BODY_B, now_s=NOW_B)
    assert AirtmWebhooks(SECRET_B).configured is True


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'"text"',
        b'{"id": "5b0f", "code": "topup_demo1", "status": "CONFIRMED"}',
        b'{"type": "payin.confirmed"}',
        b'{"type": "payin.confirmed", "data": []}',
        b'{"type": "", "data": {}}',
        b'{"type": 3, "data": {}}',
        b'{"type": "x", "data": {"amount": NaN}}',
    ],
)
def test_a_signed_body_that_is_no_envelope_is_unreadable(body: bytes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is the parser's own
        verify(signed(body), body)
    assert not isinstance(caught.value, SignatureInvalid)


def test_a_signed_body_that_is_no_text_is_unreadable() -> None:
    body = b'{"type": "x", "data": {"a": "\xff"}}'
    stamped = f"msg_1.{NOW_B}.".encode() + body
    key = base64.b64decode(SECRET_B.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.digest(key, stamped, "sha256")).decode()
    headers = {**RIGHT, "svix-id": "msg_1", "svix-signature": f"v1,{digest}"}
    with pytest.raises(ValueError, match="utf-8"):
        verify(headers, body)


@pytest.mark.parametrize("data", [b"{}", b'{"code": null}', b'{"code": 7}'])
def test_an_event_without_a_code_of_ours_is_still_an_event(data: bytes) -> None:
    body = b'{"type": "oidc.transaction.created", "data": ' + data + b"}"
    assert verify(signed(body), body) == VerifiedWebhook("msg_1", "oidc.transaction.created", None)


@given(
    event_id=st.text("abcXYZ019_-", min_size=1, max_size=60),
    text=st.text(max_size=200),
    off_s=st.integers(-300, 300),
    key=st.binary(min_size=24, max_size=64),
)
def test_what_two_other_libraries_sign_verifies_here(
    event_id: str, text: str, off_s: int, key: bytes
) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    body = json.dumps({"type": "payout.completed", "data": {"code": text}})
    moment = datetime.fromtimestamp(NOW_B, UTC) + timedelta(seconds=off_s)
    signatures: list[Any] = [
        svix.Webhook(secret).sign(event_id, moment, body),
        standardwebhooks.Webhook(secret).sign(event_id, moment, body),
    ]
    for signature in signatures:
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(NOW_B + off_s),
            "webhook-signature": signature,
        }
        event = AirtmWebhooks(secret).verify(headers, body.encode(), now_s=NOW_B)
        assert (event.event_id, event.code) == (event_id, text)

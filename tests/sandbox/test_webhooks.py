"""Webhooks as a receiver sees them: signature, order, repeats, loss, retries, and a kill."""

import sys
import time

import httpx
import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from offerhub.sandbox.signing import InvalidSecret, key_of, sign
from offerhub.sandbox.webhook_queue import EVENT_TYPES
from tests.sandbox.airtm_world import (
    KEY,
    SECRET,
    TRUSTLESS_WORK_KEY,
    WEBHOOK_SECRET,
    Sink,
    payin_body,
    payout_body,
    until,
)

VECTOR_A = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp_s": 1614265330,
    "body": b'{"test": 2432232314}',
    "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
VECTOR_B = {
    "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "message_id": "msg_demo_0001",
    "timestamp_s": 1768046580,
    "body": b'{"type":"payin.confirmed","data":{"id":"5b0f1c7e-2a55-4f0e-9f5f-3f5b8f1f0a11",'
    b'"code":"topup_demo1","status":"CONFIRMED","amount":50,"netAmount":48.75,"airtmFee":1.25,'
    b'"description":"Wallet top-up","items":[],"createdAt":"2026-01-10T12:00:00.000Z",'
    b'"updatedAt":"2026-01-10T12:03:00.000Z","confirmationUri":"https://shop.example/ok",'
    b'"cancelUri":"https://shop.example/no"}}',
    "signature": "v1,IMQj3BItgAc5E1tJnXDD5UzEAsOuJMVBbvJKF9VjgZc=",
}


@pytest.mark.parametrize("vector", [VECTOR_A, VECTOR_B], ids=["A", "B"])
def test_the_published_vectors_are_signed_as_published(vector):
    given = {name: vector[name] for name in ("message_id", "timestamp_s", "body")}
    assert sign(key=key_of(vector["secret"]), **given) == vector["signature"]


def test_vector_b_has_the_documented_length():
    assert len(VECTOR_B["body"]) == 368


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_AAAA", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_?"],
)
def test_a_secret_of_another_form_is_refused(secret, control):
    with pytest.raises(InvalidSecret):
        key_of(secret)
    body = {"url": "http://127.0.0.1:9/", "secret": secret}
    assert control.put("/webhooks/target", json=body).status_code == 400


def test_the_svix_library_accepts_what_is_sent(airtm, control, sink):
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/pay", json={})
    received = sink.wait_for(2)
    for webhook in received:
        webhook.verify()
        assert webhook.headers["svix-id"].startswith("msg_")
        assert set(webhook.json) == {"type", "data"}
    assert sink.types() == ["payin.created", "payin.confirmed"]
    assert received[1].json["data"] == airtm.get("/payins/by-code/topup_1").json()


def test_all_eight_events_are_announced_and_no_other(airtm, control, sink):
    control.patch("/airtm/knobs", json={"payout_auto": False})
    for number, action in enumerate(("pay", "fail", "decline")):
        airtm.post("/payins", json=payin_body(code=f"topup_{number}", amount=1))
        control.post(f"/payins/topup_{number}/{action}", json={})
    for number, action in enumerate(("complete", "fail", "cancel")):
        airtm.post("/payouts", json=payout_body(code=f"wd_{number}", amount=1.0, commit=True))
        control.post(f"/payouts/wd_{number}/process", json={})
        control.post(f"/payouts/wd_{number}/wait", json={})
        control.post(f"/payouts/wd_{number}/{action}", json={})
    sink.wait_for(12)
    assert set(sink.types()) == EVENT_TYPES
    time.sleep(0.15)
    assert len(sink.received) == 12


def test_a_refused_operation_announces_nothing(airtm, sink):
    airtm.post("/payouts", json=payout_body(amount=5000.0))
    airtm.post("/payins", json=payin_body(amount=0))
    time.sleep(0.15)
    assert sink.received == []


def test_a_failed_delivery_is_repeated_with_the_same_id_and_body(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"retry_scale_percent": 0})
    sink.answers = [500, 302]
    airtm.post("/payins", json=payin_body())
    sink.wait_for(3)
    assert len({webhook.headers["svix-id"] for webhook in sink.received}) == 1
    assert len({webhook.body for webhook in sink.received}) == 1
    until(lambda: control.get("/webhooks").json()["delivered"] == 1)
    assert len(sink.received) == 3
    sink.received[2].verify()


def test_the_retry_waits_follow_the_schedule_scaled(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"retry_scale_percent": 100})
    sink.answers = [500]
    airtm.post("/payins", json=payin_body())
    sink.wait_for(1)
    until(lambda: control.get("/webhooks").json()["messages"][0]["attempts"] == 1)
    message = control.get("/webhooks").json()["messages"][0]
    wait_ms = message["due_at"] - message["created_at"]
    assert 5_000 <= wait_ms < 7_000
    assert message["state"] == "pending"
    control.post("/webhooks/hurry")
    sink.wait_for(2)
    until(lambda: control.get("/webhooks").json()["delivered"] == 1)


def test_a_message_fails_for_good_after_eight_attempts_and_can_be_resent(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"retry_scale_percent": 0})
    sink.answers = [503] * 8
    airtm.post("/payins", json=payin_body())
    until(lambda: control.get("/webhooks").json()["failed"] == 1)
    assert len(sink.received) == 8
    message_id = sink.received[0].headers["svix-id"]
    assert control.post(f"/webhooks/{message_id}/resend").status_code == 200
    sink.wait_for(9)
    assert sink.received[8].headers["svix-id"] == message_id
    until(lambda: control.get("/webhooks").json()["delivered"] == 1)


def test_drop_loses_the_next_messages_only(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"drop": 1})
    airtm.post("/payins", json=payin_body(code="topup_1"))
    airtm.post("/payins", json=payin_body(code="topup_2"))
    sink.wait_for(1)
    assert [webhook.json["data"]["code"] for webhook in sink.received] == ["topup_2"]
    assert control.get("/webhooks").json()["dropped"] == 1


def test_duplicate_sends_the_same_message_twice(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"duplicate": -1})
    airtm.post("/payins", json=payin_body())
    first, second = sink.wait_for(2)
    assert first.headers["svix-id"] == second.headers["svix-id"]
    assert first.body == second.body
    assert control.get("/webhooks/knobs").json()["duplicate"] == -1


def test_reorder_lets_the_newest_overtake(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"paused": True, "reorder_window_ms": 1})
    airtm.post("/payins", json=payin_body())
    control.post("/payins/topup_1/pay", json={})
    control.patch("/webhooks/knobs", json={"paused": False})
    sink.wait_for(2)
    assert sink.types() == ["payin.confirmed", "payin.created"]


def test_delay_holds_a_message_back(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"delay_ms": 300})
    started_s = time.monotonic()
    airtm.post("/payins", json=payin_body())
    sink.wait_for(1)
    assert time.monotonic() - started_s >= 0.3


def test_a_corrupt_signature_is_refused_by_the_library_and_the_retry_is_good(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"corrupt_signature": 1})
    sink.answers = [401]
    airtm.post("/payins", json=payin_body())
    bad, good = sink.wait_for(2)
    with pytest.raises(WebhookVerificationError):
        bad.verify()
    good.verify()


def test_an_old_timestamp_is_signed_well_and_refused_for_its_age(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"old_timestamp": 1})
    airtm.post("/payins", json=payin_body())
    (webhook,) = sink.wait_for(1)
    timestamp_s = int(webhook.headers["svix-timestamp"])
    assert 3500 < time.time() - timestamp_s < 3700
    expected = sign(
        key=key_of(WEBHOOK_SECRET),
        message_id=webhook.headers["svix-id"],
        timestamp_s=timestamp_s,
        body=webhook.body,
    )
    assert webhook.headers["svix-signature"] == expected
    with pytest.raises(WebhookVerificationError):
        webhook.verify()


def test_two_signatures_have_the_good_one_second(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"two_signatures": True})
    airtm.post("/payins", json=payin_body())
    (webhook,) = sink.wait_for(1)
    first, second = webhook.headers["svix-signature"].split(" ")
    webhook.verify()
    with pytest.raises(WebhookVerificationError):
        Webhook(WEBHOOK_SECRET).verify(webhook.body, {**webhook.headers, "svix-signature": first})
    Webhook(WEBHOOK_SECRET).verify(webhook.body, {**webhook.headers, "svix-signature": second})


def test_the_unbranded_header_names_can_be_used(airtm, control, sink):
    control.patch("/webhooks/knobs", json={"header_family": "webhook"})
    airtm.post("/payins", json=payin_body())
    (webhook,) = sink.wait_for(1)
    assert not any(name.startswith("svix-") for name in webhook.headers)
    webhook.verify()


def test_any_body_can_be_sent_under_any_id(control, sink):
    control.post("/webhooks/send", json={"type": "payin.unheard_of", "data": {"code": "x"}})
    control.post("/webhooks/send", json={"raw_body": '{"id": "bare"}', "message_id": "msg_mine"})
    known, bare = sink.wait_for(2)
    assert known.type == "payin.unheard_of"
    assert bare.body == b'{"id": "bare"}'
    assert bare.headers["svix-id"] == "msg_mine"
    bare.verify()


@pytest.mark.parametrize(
    "knobs", [{"drop": -2}, {"drop": "1"}, {"unknown": 1}, {"paused": 1}, {"header_family": "x"}]
)
def test_a_knob_that_makes_no_sense_is_refused(control, knobs):
    before = control.get("/webhooks/knobs").json()
    assert control.patch("/webhooks/knobs", json=knobs).status_code == 400
    assert control.get("/webhooks/knobs").json() == before


def test_the_secret_is_never_shown(control, sandbox):
    texts = [control.get(path).text for path in ("/webhooks", "/world", "/webhooks/knobs")]
    assert not any(WEBHOOK_SECRET in text or "secret" in text for text in texts)
    assert WEBHOOK_SECRET not in repr(sandbox._config)


def test_an_undelivered_webhook_outlives_a_kill(tmp_path, launch, free_port):
    sink = Sink()
    sink.close()  # Nobody listens there: every attempt fails until a new receiver does.
    port = free_port()
    environment = {
        "SANDBOX_AIRTM_KEY": KEY,
        "SANDBOX_AIRTM_SECRET": SECRET,
        "SANDBOX_TRUSTLESS_WORK_KEY": TRUSTLESS_WORK_KEY,
        "SANDBOX_WEBHOOK_URL": sink.url,
        "SANDBOX_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    url = f"http://127.0.0.1:{port}"
    arguments = [sys.executable, "-m", "offerhub.sandbox"]
    arguments += ["--port", str(port), "--state", str(tmp_path / "state.db")]

    def start():
        return launch(*arguments, env=environment, ready_url=f"{url}/_control/health")

    process = start()
    httpx.post(f"{url}/airtm/v2/payins", json=payin_body(), auth=(KEY, SECRET))
    httpx.post(f"{url}/_control/payins/topup_1/pay", json={})
    process.kill()
    start()
    assert httpx.get(f"{url}/_control/webhooks").json()["pending"] == 2
    receiver = Sink()
    target = {"url": receiver.url, "secret": WEBHOOK_SECRET}
    httpx.put(f"{url}/_control/webhooks/target", json=target)
    httpx.post(f"{url}/_control/webhooks/hurry")
    received = receiver.wait_for(2)
    for webhook in received:
        webhook.verify()
    assert sorted(receiver.types()) == ["payin.confirmed", "payin.created"]
    world = httpx.get(f"{url}/_control/world").json()["airtm"]
    assert (world["available"], world["payins"][0]["status"]) == ("48.75", "CONFIRMED")
    receiver.close()

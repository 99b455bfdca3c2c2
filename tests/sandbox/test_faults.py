"""Faults on the wire: what the client sees, and whether the effect happened."""

import json
import socket
import time

import httpx
import pytest

from offerhub.sandbox.faults import KINDS
from tests.sandbox.airtm_world import payin_body

HAPPENED, NOTHING = True, False
QUICK = {"delay_s": 0.05}


def _exists(sandbox) -> bool:
    return sandbox.store.one("SELECT 1 FROM airtm_payins WHERE code = 'topup_1'") is not None


@pytest.mark.parametrize(
    ("kind", "status", "effect"),
    [
        ("error_500_before", 500, NOTHING),
        ("error_500_after", 500, HAPPENED),
        ("error_503_before", 503, NOTHING),
        ("rate_limited", 429, NOTHING),
        ("html_502_before", 502, NOTHING),
        ("html_502_after", 502, HAPPENED),
        ("wrong_body_after", 200, HAPPENED),
        ("delay", 200, HAPPENED),
    ],
)
def test_an_answer_is_spoilt_and_the_effect_is_as_named(
    airtm, control, sandbox, kind, status, effect
):
    _add(control, kind=kind, provider="airtm", method="POST", **QUICK)
    response = airtm.post("/payins", json=payin_body())
    assert response.status_code == status
    assert _exists(sandbox) is effect
    (call,) = control.get("/calls?provider=airtm").json()["calls"]
    assert (call["fault"], call["status"]) == (kind, status)
    assert call["effect_status"] == (200 if effect else None)
    healthy = airtm.post("/payins", json=payin_body(code="topup_2"))
    assert (healthy.status_code, healthy.json()["status"]) == (200, "CREATED")


@pytest.mark.parametrize(
    ("kind", "effect"),
    [
        ("timeout_before", NOTHING),
        ("timeout_after", HAPPENED),
        ("reset_after", HAPPENED),
        ("truncated_after", HAPPENED),
    ],
)
def test_the_connection_breaks_and_the_effect_is_as_named(airtm, control, sandbox, kind, effect):
    _add(control, kind=kind, provider="airtm", method="POST", **QUICK)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        airtm.post("/payins", json=payin_body())
    assert _exists(sandbox) is effect
    assert airtm.get("/me").status_code == 200


def test_a_client_that_waits_less_than_the_delay_times_out_after_the_effect(
    airtm, control, sandbox
):
    _add(control, kind="timeout_after", provider="airtm", delay_s=1)
    with pytest.raises(httpx.ReadTimeout):
        airtm.post("/payins", json=payin_body(), timeout=0.2)
    assert _exists(sandbox)


def test_a_timeout_ends_with_a_closed_connection_and_not_one_byte(sandbox, control):
    _add(control, kind="timeout_before", provider="airtm", delay_s=0.2)
    started_s = time.monotonic()
    assert _raw_request(sandbox) == b""
    assert time.monotonic() - started_s >= 0.2


def test_a_reset_is_a_real_reset(sandbox, control):
    _add(control, kind="reset_after", provider="airtm")
    with pytest.raises(ConnectionResetError):
        _raw_request(sandbox)


def test_a_truncated_answer_promises_more_than_it_sends(sandbox, control):
    _add(control, kind="truncated_after", provider="airtm")
    head, _, body = _raw_request(sandbox).partition(b"\r\n\r\n")
    promised = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    assert len(body) == promised // 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_errors_have_the_shape_of_their_provider(sandbox, control):
    _add(control, kind="error_500_before", times=None)
    _add(control, kind="rate_limited", times=None, id="limits")
    shapes = {
        "/airtm/v2/me": {"code", "message"},
        "/trustless-work/escrows": {"statusCode", "message"},
        "/horizon/ledgers": {"type", "title", "status"},
    }
    for path, members in shapes.items():
        response = httpx.get(sandbox.url + path)
        assert response.status_code == 500
        assert set(response.json()) == members
    control.delete("/faults/fault_1")
    for path, members in shapes.items():
        response = httpx.get(sandbox.url + path)
        assert response.status_code == 429
        assert set(response.json()) == members


def test_a_rule_counts_down_and_lets_the_first_calls_pass(airtm, control):
    _add(control, kind="error_503_before", provider="airtm", times=2, after_n=1)
    statuses = [airtm.get("/me").status_code for _ in range(5)]
    assert statuses == [200, 503, 503, 200, 200]
    (rule,) = control.get("/faults").json()["faults"]
    assert (rule["times"], rule["applied"]) == (0, 2)


def test_a_rule_matches_method_and_path(airtm, control):
    _add(control, kind="error_500_before", method="get", path_regex=r"/payins/by-code/")
    assert airtm.post("/payins", json=payin_body()).status_code == 200
    assert airtm.get("/me").status_code == 200
    assert airtm.get("/payins/by-code/topup_1").status_code == 500
    assert airtm.get("/payins/by-code/topup_1").status_code == 200


def test_rules_can_be_removed(airtm, control):
    rule = _add(control, kind="error_500_before", times=None)
    assert control.delete(f"/faults/{rule['id']}").status_code == 204
    assert control.delete(f"/faults/{rule['id']}").status_code == 404
    _add(control, kind="error_500_before", times=None)
    assert control.delete("/faults").status_code == 204
    assert airtm.get("/me").status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "explode"},
        {"kind": "delay", "provider": "bank"},
        {"kind": "delay", "times": 0},
        {"kind": "delay", "times": "1"},
        {"kind": "delay", "delay_s": -1},
        {"kind": "delay", "delay_s": "1"},
        {"kind": "delay", "path_regex": "("},
        {"kind": "delay", "after_n": True},
        {"kind": "delay", "when": "now"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(control, rule):
    assert control.post("/faults", json=rule).status_code == 400
    assert control.get("/faults").json()["faults"] == []


def test_every_kind_is_explained_by_control(control):
    assert control.get("/faults").json()["kinds"] == KINDS


def test_control_and_checkout_are_never_spoilt_or_counted(control):
    _add(control, kind="error_500_before", times=None)
    assert control.get("/health").status_code == 200
    assert control.get("/calls").json()["count"] == 0


def test_calls_can_be_counted_by_method_path_and_position(airtm, control):
    airtm.post("/payins", json=payin_body())
    airtm.post("/payins", json=payin_body())
    first = control.get("/calls").json()["calls"][0]
    airtm.get("/me")
    assert control.get("/calls?method=POST&path=/airtm/v2/payins").json()["count"] == 2
    assert control.get("/calls?path=/airtm/v2/me").json()["count"] == 1
    assert control.get(f"/calls?since={first['seq']}").json()["count"] == 2
    statuses = [call["status"] for call in control.get("/calls").json()["calls"]]
    assert statuses == [200, 409, 200]
    control.delete("/calls")
    assert control.get("/calls").json()["count"] == 0


def test_a_call_is_journaled_even_when_its_answer_is_lost(airtm, control):
    _add(control, kind="timeout_before", provider="airtm", delay_s=0)
    with pytest.raises(httpx.RemoteProtocolError):
        airtm.get("/me")
    (call,) = control.get("/calls?fault=timeout_before").json()["calls"]
    assert (call["path"], call["status"]) == ("/airtm/v2/me", None)


def test_a_stream_is_cut_after_its_delay(sandbox, control):
    _add(control, kind="reset_after", provider="horizon", delay_s=0.3)
    started_s = time.monotonic()
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        _read_stream(f"{sandbox.horizon_url}/ledgers?cursor=now")
    assert time.monotonic() - started_s >= 0.3


def _add(control, **rule) -> dict:
    response = control.post("/faults", json=rule)
    assert response.status_code == 201, response.text
    return response.json()


def _read_stream(url: str) -> None:
    """Read an event stream to its end, however it comes."""
    headers = {"accept": "text/event-stream"}
    with httpx.stream("GET", url, headers=headers, timeout=30) as response:
        assert response.status_code == 200
        for _ in response.iter_raw():
            pass


def _raw_request(sandbox) -> bytes:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /airtm/v2/me HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received

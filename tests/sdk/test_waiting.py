"""Waiting for a state, by events and by reads."""

import json
import threading
import time

import pytest

from offerhub.domain.orders import ORDER
from offerhub.domain.topups import TOPUP
from offerhub.domain.withdrawals import WITHDRAWAL
from offerhub.sdk import UnexpectedState, WaitTimeout
from offerhub.sdk.waiting import FINAL_STATES
from tests.sdk.samples import event, order


def test_final_states_agree_with_the_state_tables() -> None:
    assert FINAL_STATES["order"] == ORDER.terminal
    assert FINAL_STATES["withdrawal"] == WITHDRAWAL.terminal
    assert FINAL_STATES["topup"] == TOPUP.terminal | {"TOPUP_CANCELED"}


def test_a_state_that_is_there_already_needs_no_stream(script, client) -> None:
    script.data(order(status="IN_PROGRESS"))
    assert client.orders.wait_for("ord_1", {"IN_PROGRESS"}).status == "IN_PROGRESS"
    assert len(script.seen) == 1


def test_an_event_of_the_resource_makes_it_look_again(script, client) -> None:
    gate = threading.Event()
    looked = threading.Event()

    def stream(handler) -> None:
        handler.start_stream()
        assert looked.wait(5)
        handler.push(f"data: {json.dumps(event(8, aggregate_id='ord_other'))}\n\n")
        handler.push(f"data: {json.dumps(event(9))}\n\n")
        gate.wait(5)

    def second_look(handler) -> None:
        handler.send(200, {"data": order(status="ESCROW_CREATING")}, {})
        looked.set()

    script.data(order(status="ESCROW_CREATING")).do(stream).do(second_look)
    script.data(order(status="IN_PROGRESS"))
    found = client.orders.wait_for("ord_1", {"IN_PROGRESS"}, timeout_s=5)
    gate.set()
    assert found.status == "IN_PROGRESS"
    assert [seen.path for seen in script.seen].count("/api/v1/orders/ord_1") == 3


def test_another_end_is_told_at_once(script, client) -> None:
    script.data(order(status="CLOSED", resolution="CANCELED"))
    with pytest.raises(UnexpectedState) as caught:
        client.orders.wait_for("ord_1", {"IN_PROGRESS"})
    assert caught.value.resource.resolution == "CANCELED"


def test_without_a_stream_it_looks_now_and_then(script, client) -> None:
    script.data(order()).error(429, "RATE_LIMITED").data(order())
    script.data(order(status="FUNDS_RESERVED"))
    started = time.monotonic()
    assert client.orders.wait_for("ord_1", {"FUNDS_RESERVED"}, timeout_s=1).id == "ord_1"
    assert time.monotonic() - started < 3


def test_the_time_runs_out_with_the_last_state_in_hand(script, client) -> None:
    gate = threading.Event()

    def stream(handler) -> None:
        handler.start_stream()
        gate.wait(5)

    script.data(order()).do(stream).data(order()).data(order())
    started = time.monotonic()
    with pytest.raises(WaitTimeout) as caught:
        client.orders.wait_for("ord_1", {"CLOSED"}, timeout_s=0.4)
    gate.set()
    assert caught.value.resource.status == "ORDER_CREATED"
    assert "ORDER_CREATED" in str(caught.value)
    assert time.monotonic() - started < 3

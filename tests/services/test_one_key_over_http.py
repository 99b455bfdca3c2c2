"""One idempotency key, sent often, wrongly, by the dead and too late: one effect all the same."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from werkzeug.test import TestResponse

from offerhub.domain import ids
from offerhub.services import housekeeping, orders
from offerhub.services.context import App
from offerhub.store import idempotency as answers
from offerhub.store import operations as operations_store
from offerhub.store.database import atomic, connection, in_transaction
from offerhub.store.idempotency import IdempotentAnswer
from offerhub.store.withdrawals import Withdrawal
from offerhub.worker.jobs.operations import perform_next
from tests.api.caller import Caller, code, open_api
from tests.fixtures.proof import Figure
from tests.services.flow_cases import CASES, Subject
from tests.services.world import USD, World

REQUESTS = 100 if os.environ.get("OFFERHUB_TEST_FULL") else 25
BY_NAME = {case.name: case for case in CASES}
_numbers = count(1)


class Killed(BaseException):
    """The process is gone."""


class DeadlyBell:
    """Rung right after a commit: the process dies there, before it answers."""

    def ring(self, name: str) -> None:
        raise Killed(name)


class DyingClock:
    """Kills at the `deaths`-th question inside the transaction: before the commit."""

    def __init__(self, world: World, deaths: int) -> None:
        self.world, self.left = world, deaths

    def now(self) -> Any:
        if in_transaction():
            self.left -= 1
            if self.left < 0:
                raise Killed
        return self.world.clock.now()


@pytest.fixture
def payer(shared_world: World) -> dict[str, Any]:
    """A user with USD 1,000 on chain, one per test."""
    return shared_world.funded_user(f"one-key-{next(_numbers)}", "1000.00")


def request_of(world: World, payer: dict[str, Any]) -> dict[str, Any]:
    outside = world.control("POST", "/stellar/outside-account")["address"]
    return {
        "user_id": payer["id"], "amount": "100.00", "destination_type": "CRYPTO",
        "destination_ref": outside,
    }  # fmt: skip


def new_key() -> str:
    return f"key-{next(_numbers)}"


def api_of(world: World, app: App | None = None) -> Caller:
    """The API with room for as many requests as a test sends."""
    app = app or world.app
    limits = dict.fromkeys(app.policy.rate_limits_per_min, 1_000_000)
    return open_api(world, app=replace(app, policy=replace(app.policy, rate_limits_per_min=limits)))


def id_of(answer: TestResponse) -> str:
    """The id of what an answer tells of."""
    said: Any = answer.json
    return str(said["data"]["id"])


def made_for(payer: dict[str, Any]) -> list[str]:
    with connection():
        query = Withdrawal.select().where(Withdrawal.user_id == payer["id"])
        return [row.id for row in query]


def paid_once(world: World, payer: dict[str, Any], body: dict[str, Any]) -> None:
    """One withdrawal exists, one payment is on chain, and the books agree with both."""
    assert len(made_for(payer)) == 1
    world.drain()
    assert world.transfers(destination=body["destination_ref"]) == [100 * USD]
    assert world.available(payer["id"]) == 900 * USD
    world.check()


@pytest.mark.proves("F13", "P4")
def test_many_requests_at_once_with_one_key_have_one_effect(
    shared_world: World, payer: dict[str, Any], figure: Figure
) -> None:
    """Half of them from a process that cannot reach Redis, so that no lock helps."""
    body, key = request_of(shared_world, payer), new_key()
    callers = [api_of(shared_world), api_of(shared_world, replace(shared_world.app, redis=None))]
    together = threading.Barrier(REQUESTS)

    def ask(number: int) -> tuple[int, str, bytes]:
        together.wait(30)
        answer = callers[number % 2].post("/withdrawals", body, key=key)
        return answer.status_code, code(answer) if answer.status_code >= 400 else "", answer.data

    with ThreadPoolExecutor(REQUESTS) as pool:
        answers_ = list(pool.map(ask, range(REQUESTS)))
    ends = Counter((status, error) for status, error, _ in answers_)
    assert set(ends) <= {(202, ""), (409, "IDEMPOTENCY_KEY_IN_PROGRESS")}, ends
    assert len({data for status, _, data in answers_ if status == 202}) == 1
    figure("requests", REQUESTS)
    again = callers[0].post("/withdrawals", body, key=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    paid_once(shared_world, payer, body)


@pytest.mark.proves("F13")
def test_the_key_with_another_body_is_refused_and_does_nothing(
    shared_world: World, payer: dict[str, Any]
) -> None:
    api, body, key = api_of(shared_world), request_of(shared_world, payer), new_key()
    first = api.post("/withdrawals", body, key=key)
    for other in ({**body, "amount": "100.01"}, {**body, "description": "again"}):
        answer = api.post("/withdrawals", other, key=key)
        assert (answer.status_code, code(answer)) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert api.post("/withdrawals", body, key=key).data == first.data
    paid_once(shared_world, payer, body)


@pytest.mark.proves("F13", "P4")
def test_the_key_on_another_route_is_refused_and_does_nothing(
    shared_world: World, payer: dict[str, Any]
) -> None:
    """The bodies are the same, so only the route tells the requests apart."""
    api, key = api_of(shared_world), new_key()
    seller = shared_world.user(f"one-key-seller-{next(_numbers)}")
    order_id = shared_world.order(payer["id"], seller["id"], "100.00")
    assert api.post(f"/orders/{order_id}/reserve", {}, key=key).status_code == 200
    for action in ("cancel", "escrow", "release"):
        answer = api.post(f"/orders/{order_id}/{action}", {}, key=key)
        assert answer.status_code == 409, f"{action} was answered with what reserve had answered"
        assert code(answer) == "IDEMPOTENCY_KEY_REUSED"
    assert shared_world.order_status(order_id) == "FUNDS_RESERVED"
    orders.cancel(shared_world.ctx, order_id)


@pytest.mark.proves("F13", "P4")
def test_a_death_right_after_the_effect_and_an_emptied_redis_leave_one_effect(
    shared_world: World, payer: dict[str, Any]
) -> None:
    body, key = request_of(shared_world, payer), new_key()
    dying = api_of(shared_world, replace(shared_world.app, doorbell=DeadlyBell()))
    with pytest.raises(Killed):
        dying.post("/withdrawals", body, key=key)
    assert len(made_for(payer)) == 1, "the effect has been committed"
    shared_world.app.redis.flushall()
    answer = api_of(shared_world).post("/withdrawals", body, key=key)
    assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (202, "true")
    assert made_for(payer) == [id_of(answer)]
    paid_once(shared_world, payer, body)


@pytest.mark.proves("F13")
@pytest.mark.parametrize(
    "questions", [3, *(pytest.param(n, marks=pytest.mark.full) for n in (1, 2, 4, 5))]
)
def test_a_death_before_the_commit_leaves_nothing_and_the_retry_does_it(
    shared_world: World, payer: dict[str, Any], questions: int
) -> None:
    body, key = request_of(shared_world, payer), new_key()
    clock: Any = DyingClock(shared_world, questions)
    dying = api_of(shared_world, replace(shared_world.app, clock=clock))
    with pytest.raises(Killed):
        dying.post("/withdrawals", body, key=key)
    assert made_for(payer) == []
    shared_world.app.redis.flushall()
    answer = api_of(shared_world).post("/withdrawals", body, key=key)
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers
    paid_once(shared_world, payer, body)


def test_the_same_key_in_another_marketplace_is_another_key(
    shared_world: World, payer: dict[str, Any]
) -> None:
    body, key = request_of(shared_world, payer), new_key()
    first = api_of(shared_world).post("/withdrawals", body, key=key)
    policy = replace(shared_world.app.policy, marketplace_id=ids.new_id(ids.MARKETPLACE))
    other = api_of(shared_world, replace(shared_world.app, policy=policy))
    second = other.post("/withdrawals", body, key=key)
    assert (second.status_code, second.headers.get("Idempotency-Replayed")) == (202, None)
    assert id_of(first) != id_of(second)
    shared_world.drain()
    shared_world.check()


# What is asked for, by which case of the flows, and the provider's call whose answer is lost.
UNKNOWN: dict[str, tuple[Callable[[Subject], str], str, str]] = {
    "funding": (lambda s: f"/orders/{s.id}/escrow/fund", "trustless_work", "send-transaction"),
    "release": (lambda s: f"/orders/{s.id}/release", "trustless_work", "send-transaction"),
}


def forget(key: str) -> None:
    """The key's retention is over, and housekeeping has been there."""
    with atomic():
        IdempotentAnswer.update(expires_at=1).where(IdempotentAnswer.key == key).execute()


def is_unknown(subject_id: str) -> bool:
    with connection():
        operation = operations_store.latest_for(subject_id)
        steps = operations_store.steps_of(operation.id) if operation else []
    return any(step.status == "UNKNOWN" for step in steps)


@pytest.mark.proves("F14")
@pytest.mark.parametrize("name", ["release", pytest.param("funding", marks=pytest.mark.full)])
def test_a_key_that_expires_while_the_outcome_is_unknown_frees_no_second_effect(
    shared_world: World, name: str, figure: Figure
) -> None:
    """The order and what is asked of it are a key that never expires."""
    path_of, provider, lost = UNKNOWN[name]
    case, key, api = BY_NAME[name], new_key(), api_of(shared_world)
    subject = case.arrange(shared_world)
    assert api.post(path_of(subject), {}, key=key).status_code == 202
    with connection():
        operation = operations_store.latest_for(subject.id)
    assert operation is not None
    subject.operation_id = operation.id
    _lose_the_answer(shared_world, provider, lost, subject.id)
    forget(key)
    with atomic():
        deleted, _ = answers.purge(now=shared_world.app.now_ms(), limit=100)
        assert deleted >= 1
    shared_world.app.redis.flushall()
    for same in (key, new_key()):
        answer = api.post(path_of(subject), {}, key=same)
        assert answer.status_code == 409, answer.text
        assert code(answer) in {"INVALID_STATE", "ESCROW_ALREADY_FUNDED"}
        figure("refused", 1)
    assert is_unknown(subject.id)
    shared_world.healthy()
    shared_world.drain()
    case.check(shared_world, subject)


@pytest.mark.proves("F14")
def test_a_withdrawal_whose_outcome_is_unknown_outlives_the_retention_of_its_key(
    shared_world: World, payer: dict[str, Any]
) -> None:
    """A withdrawal has no other key: while it has not ended, its answer is not forgotten."""
    api, body, key = api_of(shared_world), request_of(shared_world, payer), new_key()
    first = api.post("/withdrawals", body, key=key)
    _lose_the_answer(shared_world, "horizon", "transactions_async", id_of(first))
    for forgotten in (True, False):
        forget(key)
        if forgotten:
            housekeeping.purge(shared_world.ctx)
        shared_world.app.redis.flushall()
        again = api.post("/withdrawals", body, key=key)
        assert made_for(payer) == [id_of(first)], "it is paid a second time"
        assert (again.status_code, again.data) == (202, first.data)
    assert is_unknown(id_of(first))
    shared_world.healthy()
    paid_once(shared_world, payer, body)
    forget(key)
    housekeeping.purge(shared_world.ctx)
    with connection():
        assert IdempotentAnswer.get_or_none(IdempotentAnswer.key == key) is None, "it has ended"


def _lose_the_answer(world: World, provider: str, path: str, subject_id: str) -> None:
    """Have the effect, lose its answer, and leave nobody to ask about it."""
    world.fault("timeout_after", provider=provider, path_regex=path, delay_s=0.01)
    world.fault(
        "error_503_before", provider="horizon", path_regex="/transactions/", method="GET",
        times=1000,
    )  # fmt: skip
    for _ in range(40):
        perform_next(world.app)
        if is_unknown(subject_id):
            return
        world.clock.skip(1)
    raise AssertionError("the outcome was never unknown")

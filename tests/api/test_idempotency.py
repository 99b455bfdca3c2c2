"""One effect per key: replays, reuse, twins at once, crashes, and Redis gone."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from offerhub.api.idempotency import LOCK_MS
from offerhub.services import orders as orders_service
from offerhub.services.idempotency import AnswerSeal
from offerhub.store import idempotency as store
from offerhub.store.database import atomic
from offerhub.store.idempotency import IdempotentAnswer
from offerhub.store.orders import Order
from offerhub.store.users import User
from tests.api.caller import Caller, code, fields, open_api
from tests.fixtures.valkey import ValkeyServer
from tests.services.world import World

ANA = {"external_user_id": "ana", "type": "BOTH", "metadata": {"b": 1, "a": [1.5, None, "é"]}}


def _count(table: Any) -> int:
    with atomic():
        return int(table.select().count())


def test_a_repeated_request_gets_the_first_answer_byte_for_byte(api: Caller) -> None:
    first = api.post("/users", ANA, key="one", X_Request_ID="first")
    again = api.post("/users", ANA, key="one", X_Request_ID="second")
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.json["meta"]["request_id"] == "first"
    assert again.headers["X-Request-ID"] == "second"
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "one"
    assert again.mimetype == "application/json"
    assert _count(User) == 1


@pytest.mark.proves("P4")
def test_formatting_does_not_make_another_request(api: Caller) -> None:
    api.post("/users", ANA, key="one")
    spaced = json.dumps(dict(reversed(ANA.items())), indent=3).encode()
    again = api.send("POST", "/users", raw=spaced, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (201, "true")


@pytest.mark.parametrize(
    "other",
    [
        {**ANA, "type": "BUYER"},
        {**ANA, "metadata": {"b": 1.0, "a": [1.5, None, "é"]}},
        {**ANA, "unknown": 1},
        {},
    ],
)
def test_another_body_under_the_same_key_is_refused(api: Caller, other: object) -> None:
    api.post("/users", ANA, key="one")
    answer = api.post("/users", other, key="one")
    assert (answer.status_code, code(answer)) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_another_path_under_the_same_key_is_refused(api: Caller) -> None:
    order = _order(api)
    assert api.post(f"/orders/{order}/cancel", {}, key="one").status_code == 200
    answer = api.post(f"/orders/{order}/release", {}, key="one")
    assert (answer.status_code, code(answer)) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_a_key_belongs_to_the_marketplace_whoever_sends_it(api: Caller) -> None:
    first = api.post("/users", ANA, key="one")
    other = api.with_scopes("write").post("/users", ANA, key="one")
    assert other.data == first.data


def test_a_replay_still_needs_the_scope(api: Caller) -> None:
    api.post("/users", ANA, key="one")
    assert api.with_scopes("read").post("/users", ANA, key="one").status_code == 403


def test_no_body_and_an_empty_object_are_the_same_request(api: Caller) -> None:
    order = _order(api)
    first = api.post(f"/orders/{order}/cancel", key="one")
    again = api.post(f"/orders/{order}/cancel", {}, key="one")
    assert again.data == first.data


MOVING_MONEY = ["/topups", "/orders", "/withdrawals"] + [
    f"/orders/ord_{'a' * 21}/{action}"
    for action in ("reserve", "cancel", "escrow", "escrow/fund", "release")
]


@pytest.mark.parametrize("path", MOVING_MONEY)
def test_what_moves_money_needs_a_key(api: Caller, path: str) -> None:
    answer = api.post(path, {}, key=None)
    assert (answer.status_code, code(answer)) == (400, "MISSING_REQUIRED_FIELD")
    assert set(fields(answer)) == {"Idempotency-Key"}


@pytest.mark.parametrize("key", ["a" * 256, "two words", "tab\tbed", "caf\u00e9"])
def test_an_unusable_key_is_refused(api: Caller, key: str) -> None:
    answer = api.post("/users", ANA, key=key)
    assert (answer.status_code, set(fields(answer))) == (400, {"Idempotency-Key"})
    assert _count(User) == 0


def test_a_key_of_255_characters_is_fine(api: Caller) -> None:
    assert api.post("/users", ANA, key="~" * 255).status_code == 201


def test_a_refusal_is_the_answer_too(api: Caller) -> None:
    api.user("ana")
    first = api.post("/users", ANA, key="one")
    assert (first.status_code, code(first)) == (409, "USER_ALREADY_EXISTS")
    again = api.post("/users", ANA, key="one")
    assert (again.status_code, again.data) == (409, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_missing_resource_is_a_kept_refusal(api: Caller) -> None:
    path = f"/orders/ord_{'a' * 21}/reserve"
    first = api.post(path, {}, key="one")
    assert (first.status_code, code(first)) == (404, "ORDER_NOT_FOUND")
    assert api.post(path, {}, key="one").data == first.data


def test_what_was_wrong_with_the_form_is_not_kept(api: Caller) -> None:
    assert api.post("/users", {"type": "BUYER"}, key="one").status_code == 400
    assert api.post("/users", ANA, key="one").status_code == 201


def test_what_may_pass_by_itself_is_not_kept(api: Caller) -> None:
    """ESCROW_NOT_READY says: the same request again, later."""
    ana, bob = api.user("ana"), api.user("bob")
    with atomic():
        order = _reserved(api, ana, bob)
    answer = api.post(f"/orders/{order}/escrow", {}, key="one")
    assert (answer.status_code, code(answer)) == (409, "ESCROW_NOT_READY")
    assert _kept("one") is None


def test_a_wake_up_that_fails_after_the_commit_costs_neither_effect_nor_answer(
    world: World,
) -> None:
    class BrokenBell:
        def ring(self, name: str) -> None:
            raise RuntimeError(f"the bell {name} is broken")

    broken = open_api(world, app=replace(world.app, doorbell=BrokenBell()))
    assert broken.post("/users", ANA, key="one").status_code == 201
    again = open_api(world).post("/users", ANA, key="one")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert _count(User) == 1


def test_a_failure_inside_the_transaction_leaves_no_trace(world: World) -> None:
    class Broken:
        def new_key(self, *, binding: str) -> tuple[str, str]:
            raise RuntimeError(f"no entropy for {binding}")

    broken = open_api(world, app=replace(world.app, vault=Broken()))  # type: ignore[arg-type]
    answer = broken.post("/users", ANA, key="one")
    assert (answer.status_code, code(answer)) == (500, "INTERNAL_ERROR")
    assert "entropy" not in answer.text
    assert _kept("one") is None
    assert open_api(world).post("/users", ANA, key="one").status_code == 201


def test_a_running_twin_is_told_to_wait(api: Caller, redis_url: str) -> None:
    release, entered = threading.Event(), threading.Event()

    class SlowVault:
        def __init__(self, real: Any) -> None:
            self._real = real

        def new_key(self, *, binding: str) -> Any:
            entered.set()
            release.wait(10)
            return self._real.new_key(binding=binding)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    world = api.world
    slow = open_api(world, app=replace(world.app, vault=SlowVault(world.app.vault)))
    api.get("/me")  # the key's last use is noted now, and not again within the minute
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slow.post, "/users", ANA, key="one")
        assert entered.wait(10)
        twin = api.post("/users", ANA, key="one")
        release.set()
        assert first.result(20).status_code == 201
    assert (twin.status_code, code(twin)) == (409, "IDEMPOTENCY_KEY_IN_PROGRESS")
    assert twin.headers["Retry-After"] == "1"
    assert api.post("/users", ANA, key="one").headers["Idempotency-Replayed"] == "true"
    with Redis.from_url(redis_url) as redis:
        # The lock goes by itself; the kept answer is looked for before it.
        assert all(0 < redis.pttl(name) <= LOCK_MS for name in redis.keys("*idempotency*"))


@pytest.mark.parametrize("with_redis", [True, False])
def test_ten_twins_at_once_have_one_effect(world: World, with_redis: bool) -> None:
    api = open_api(world, app=world.app if with_redis else replace(world.app, redis=None))
    ana, bob = api.user("ana"), api.user("bob")
    body = {"buyer_id": ana, "seller_id": bob, "amount": "10.00", "title": "t"}
    together = threading.Barrier(10)

    def ask(_: int) -> tuple[int, bytes]:
        together.wait(10)
        answer = api.post("/orders", body, key="one")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(10)))
    made = {data for status, data in answers if status == 201}
    assert len(made) == 1
    assert {status for status, _ in answers} <= ({201, 409} if with_redis else {201})
    assert _count(Order) == 1
    assert api.post("/orders", body, key="one").data == made.pop()


def test_twins_that_collide_on_the_effects_own_rows_get_one_answer(world: World) -> None:
    """Without the lock both try to insert the same user before either answer is kept."""
    api = open_api(world, app=replace(world.app, redis=None))
    together = threading.Barrier(6)

    def ask(_: int) -> tuple[int, bytes]:
        together.wait(10)
        answer = api.post("/users", ANA, key="one")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(ask, range(6)))
    assert [status for status, _ in answers] == [201]


def test_redis_that_forgets_everything_costs_no_second_effect(api: Caller, redis_url: str) -> None:
    first = api.post("/users", ANA, key="one")
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    assert api.post("/users", ANA, key="one").data == first.data
    assert _count(User) == 1


def test_money_moves_on_while_redis_is_down(world: World, own_redis: ValkeyServer) -> None:
    client = Redis.from_url(own_redis.url, socket_timeout=1, socket_connect_timeout=0.5)
    api = open_api(world, app=replace(world.app, redis=client))
    first = api.post("/users", ANA, key="one")
    own_redis.kill()
    again = api.post("/users", ANA, key="one")
    assert again.data == first.data
    order = _order(api)
    assert api.post(f"/orders/{order}/cancel", {}, key="two").status_code == 200
    assert int(again.headers["X-RateLimit-Limit"]) == 50


def test_an_answer_is_forgotten_after_its_retention(api: Caller) -> None:
    first = api.post("/users", ANA, key="one")
    _age("one")
    assert api.world.app.redis is not None
    api.world.app.redis.flushall()  # the lock has a minute, the answer a day: it went long before
    again = api.post("/users", {**ANA, "external_user_id": "ana2"}, key="one")
    assert again.status_code == 201
    assert again.data != first.data
    assert "Idempotency-Replayed" not in again.headers


@pytest.mark.parametrize(("path", "hours"), [("/users", 24), ("/orders", 168)])
def test_answers_are_kept_as_long_as_promised(api: Caller, path: str, hours: int) -> None:
    if path == "/users":
        api.post(path, ANA, key="one")
    else:
        ana, bob = api.user("ana"), api.user("bob")
        body = {"buyer_id": ana, "seller_id": bob, "amount": "1.00", "title": "t"}
        api.post(path, body, key="one")
    with atomic():
        row = IdempotentAnswer.get(IdempotentAnswer.key == "one")
    assert row.expires_at - row.created_at == hours * 3_600_000


def test_a_secret_is_not_kept_in_the_clear(api: Caller) -> None:
    body = {"name": "backend", "scopes": ["read"]}
    first = api.post("/auth/api-keys", body, key="one")
    secret = first.json["data"]["key"]
    kept = _kept("one")
    assert kept is not None
    assert secret.encode() not in kept.body
    assert secret[-43:].encode() not in kept.body
    assert api.post("/auth/api-keys", body, key="one").data == first.data


def test_a_sealed_answer_is_bound_to_its_key_and_secret() -> None:
    seal = AnswerSeal(secret="s" * 32)
    closed = seal.close(b"answer", key="one")
    assert seal.open(closed, key="one") == b"answer"
    for other, key in ((seal, "two"), (AnswerSeal(secret="t" * 32), "one")):
        with pytest.raises(Exception, match="IDEMPOTENCY_KEY_REUSED"):
            other.open(closed, key=key)


def test_a_request_without_a_key_is_simply_done(api: Caller) -> None:
    answer = api.post("/users", ANA, key=None)
    assert answer.status_code == 201
    assert "Idempotency-Key" not in answer.headers
    assert _count(IdempotentAnswer) == 0


def _order(api: Caller) -> str:
    ana, bob = api.user("ana-o"), api.user("bob-o")
    body = {"buyer_id": ana, "seller_id": bob, "amount": "10.00", "title": "t"}
    return str(api.made("/orders", body)["id"])


def _reserved(api: Caller, buyer: str, seller: str) -> str:
    """An order whose buyer's funds are reserved, while no wallet is ready yet."""
    from offerhub.ledger import journal, transfers

    ctx = api.world.ctx
    order = orders_service.create_order(
        ctx, buyer_id=buyer, seller_id=seller, amount_stroops=10_000_000, title="t"
    )
    journal.post(
        transfers.topup_credited(
            topup_id="topup_" + "a" * 21,
            user_id=buyer,
            amount=10_000_000,
            net=10_000_000,
            fee=0,
            platform_bears_fee=False,
        ),
        now_ms=ctx.now_ms(),
    )
    orders_service.reserve(ctx, order["id"])
    return str(order["id"])


def _kept(key: str) -> store.Kept | None:
    with atomic():
        row = IdempotentAnswer.get_or_none(IdempotentAnswer.key == key)
        return store.find(row.marketplace_id, key) if row else None


def _age(key: str) -> None:
    with atomic():
        IdempotentAnswer.update(expires_at=int(time.time() * 1000) - 1).where(
            IdempotentAnswer.key == key
        ).execute()

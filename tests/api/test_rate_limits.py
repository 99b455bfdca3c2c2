"""Limits: never more than promised in any window, headers everywhere, and no lock-out."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis
from standardwebhooks.webhooks import Webhook

from offerhub.api.rate_limits import SLOT_MS, WINDOW_MS, LocalLimiter, RateLimiter
from offerhub.api.redis_gate import RedisGate
from offerhub.services import credentials
from tests.api.caller import Caller, code, open_api
from tests.fixtures.valkey import ValkeyServer
from tests.services.world import World


def _limited(world: World, **limits: int) -> Caller:
    """The API with these limits per minute."""
    all_limits = {**world.app.policy.rate_limits_per_min, **limits}
    policy = replace(world.app.policy, rate_limits_per_min=all_limits)
    return open_api(world, app=replace(world.app, policy=policy))


def test_a_key_may_ask_so_often_a_minute_and_no_more(world: World) -> None:
    api = _limited(world, api_key=5)
    left = [int(api.get("/me").headers["X-RateLimit-Remaining"]) for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    refused = api.get("/me")
    assert (refused.status_code, code(refused)) == (429, "RATE_LIMITED")
    assert refused.headers["X-RateLimit-Limit"] == "5"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]


def test_keys_do_not_share_a_limit_but_a_keys_tokens_do(world: World) -> None:
    api = _limited(world, api_key=3)
    token = api.token()
    assert [token.get("/me").status_code, api.get("/me").status_code] == [200, 200]
    assert api.get("/me").status_code == token.get("/me").status_code == 429
    assert api.with_scopes("read").get("/me").status_code == 200


def test_topups_are_limited_per_user(world: World) -> None:
    api = _limited(world, topups=2)
    ana, bob = api.user("ana"), api.user("bob")

    def ask(user_id: str) -> Any:
        return api.post(
            "/topups",
            {
                "user_id": user_id,
                "amount": "10.00",
                "return_url": "https://shop.example/",
                "cancel_url": "https://shop.example/",
            },
        )

    assert [ask(ana).status_code for _ in range(3)] == [422, 422, 429]
    assert ask(bob).status_code == 422
    assert ask(ana).headers["X-RateLimit-Limit"] == "2"


def test_withdrawals_are_limited_per_user(world: World) -> None:
    api = _limited(world, withdrawals=1)
    ana = api.user("ana")
    body = {
        "user_id": ana,
        "amount": "10.00",
        "destination_type": "BANK",
        "destination_ref": "DE00",
    }
    assert [api.post("/withdrawals", body).status_code for _ in range(2)] == [422, 429]


def test_refused_credentials_are_counted_per_address_and_known_good_ones_never_held_up(
    world: World,
) -> None:
    api = _limited(world, failed_logins=3)
    assert api.get("/me").status_code == 200
    stranger = api.with_key("ohk_test_wrong")
    statuses = [stranger.get("/me").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert api.get("/me").status_code == 200
    assert replace(stranger, address="192.0.2.1").get("/me").status_code == 401
    assert api.with_key(None).get("/me").status_code == 429


def test_public_routes_have_a_limit_per_address_except_health_and_webhooks(world: World) -> None:
    api = _limited(world, api_key=1).with_key(None)
    assert [api.get("/docs").status_code for _ in range(6)] == [200] * 5 + [429]
    assert api.get("/nowhere").status_code == 429
    assert api.get("/health/live").status_code == 200
    assert api.post("/webhooks/airtm", {}, key=None).status_code == 400


@pytest.mark.proves("F15")
def test_no_window_ever_sees_more_than_the_limit_from_many_processes(redis_url: str) -> None:
    limiters = [
        RateLimiter(RedisGate(Redis.from_url(redis_url)), marketplace_id="mkt") for _ in range(4)
    ]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: limiters[n % 4].take("one", limit=50), range(200)))
    assert sum(verdict.allowed for verdict in verdicts) == 50


@pytest.mark.proves("F15")
def test_room_comes_back_when_requests_have_left_the_window(redis_url: str) -> None:
    """The script's own clock cannot be moved, so its stored slots are moved back instead."""
    redis = Redis.from_url(redis_url)
    limiter = RateLimiter(RedisGate(redis), marketplace_id="mkt")
    assert [limiter.take("one", limit=3).allowed for _ in range(4)] == [True] * 3 + [False]
    (name,) = redis.keys("*limit:one")
    _move_back(redis, name, WINDOW_MS - 5 * SLOT_MS)
    assert not limiter.take("one", limit=3).allowed
    _move_back(redis, name, 7 * SLOT_MS)
    verdict = limiter.take("one", limit=3)
    assert (verdict.allowed, verdict.remaining) == (True, 2)
    assert 0 < redis.pttl(name) <= WINDOW_MS + 2 * SLOT_MS


def _move_back(redis: Any, name: bytes, milliseconds: int) -> None:
    by = milliseconds // SLOT_MS
    old = redis.hgetall(name)
    moved = {b"n": old.pop(b"n"), b"f": int(old.pop(b"f")) - by}
    moved |= {int(slot) - by: count for slot, count in old.items()}
    redis.delete(name)
    redis.hset(name, mapping=moved)


@pytest.mark.parametrize("by_ms", [3_600_000, -3_600_000, 86_400_000, -86_400_000])
@pytest.mark.proves("F15", "F16")
def test_a_clock_that_jumps_locks_nobody_out_for_long(redis_url: str, by_ms: int) -> None:
    redis = Redis.from_url(redis_url)
    limiter = RateLimiter(RedisGate(redis), marketplace_id="mkt")
    for _ in range(3):
        limiter.take("one", limit=3)
    (name,) = redis.keys("*limit:one")
    _move_back(redis, name, by_ms)
    assert limiter.take("one", limit=3).allowed


def test_looking_costs_nothing(redis_url: str) -> None:
    limiter = RateLimiter(RedisGate(Redis.from_url(redis_url)), marketplace_id="mkt")
    for _ in range(5):
        assert limiter.take("one", limit=2, cost=0).remaining == 2


@pytest.mark.proves("F15")
def test_a_stricter_stand_in_counts_while_redis_is_away(
    world: World, own_redis: ValkeyServer
) -> None:
    client = Redis.from_url(own_redis.url, socket_timeout=1, socket_connect_timeout=0.5)
    policy = replace(
        world.app.policy,
        rate_limits_per_min={**world.app.policy.rate_limits_per_min, "api_key": 6},
    )
    api = open_api(world, app=replace(world.app, policy=policy, redis=client))
    assert api.get("/me").headers["X-RateLimit-Limit"] == "6"
    own_redis.kill()
    answers = [api.get("/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["X-RateLimit-Limit"] == "3"


def test_an_outage_costs_one_time_out_and_not_one_per_request() -> None:
    calls, now = [0], [100.0]

    class Gone:
        def ping(self) -> None:
            calls[0] += 1
            raise TimeoutError("no answer")

    gate = RedisGate(Gone(), monotonic=lambda: now[0])
    for _ in range(5):
        assert gate.call(lambda client: client.ping(), away=lambda: "away") == "away"
    assert calls == [1]
    now[0] += 3
    gate.call(lambda client: client.ping(), away=lambda: "away")
    assert calls == [2]


def test_the_stand_in_slides_too() -> None:
    now = [1000.0]
    limiter = LocalLimiter(monotonic=lambda: now[0])
    assert [limiter.take("one", limit=2).allowed for _ in range(3)] == [True, True, False]
    now[0] += 59.9
    assert not limiter.take("one", limit=2).allowed
    now[0] += 0.2
    assert limiter.take("one", limit=2).allowed


def test_a_limit_is_read_quickly(redis_url: str) -> None:
    limiter = RateLimiter(RedisGate(Redis.from_url(redis_url)), marketplace_id="mkt")
    limiter.take("one", limit=10**6)
    started = time.perf_counter()
    for _ in range(200):
        limiter.take("one", limit=10**6)
    assert (time.perf_counter() - started) / 200 < 0.02


def test_guessing_costs_the_database_nothing_once_the_limit_is_spent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = _limited(world, failed_logins=2)
    assert api.get("/me").status_code == 200
    wrong = "ohk_test_" + "a" * 21 + "_" + "b" * 43
    stranger = api.with_key(wrong)
    assert [stranger.get("/me").status_code for _ in range(3)] == [401, 401, 429]
    looked_up: list[str] = []
    load = credentials._load

    def counted(key_id: str, *more: Any) -> Any:
        looked_up.append(key_id)
        return load(key_id, *more)

    monkeypatch.setattr(credentials, "_load", counted)
    refused = [stranger.get("/me") for _ in range(5)]
    assert {answer.status_code for answer in refused} == {429}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 61 for answer in refused)
    assert looked_up == []
    assert api.get("/me").status_code == 200
    assert len(looked_up) == 1


def test_one_ipv6_network_is_one_stranger(world: World) -> None:
    api = _limited(world, failed_logins=3).with_key("ohk_test_wrong")
    addresses = [f"2001:db8:1:2:{n:x}::{n:x}" for n in range(1, 6)]
    statuses = [replace(api, address=address).get("/me").status_code for address in addresses]
    assert statuses == [401, 401, 401, 429, 429]
    assert replace(api, address="2001:db8:1:3::1").get("/me").status_code == 401
    assert replace(api, address="::ffff:192.0.2.9").get("/me").status_code == 401


def test_forged_webhooks_are_limited_per_address_and_signed_ones_never(world: World) -> None:
    api = _limited(world, failed_logins=2).with_key(None)
    statuses = [api.post("/webhooks/airtm", {"n": n}, key=None).status_code for n in range(4)]
    assert statuses == [400, 400, 429, 429]
    elsewhere = replace(api, address="192.0.2.77")
    assert elsewhere.post("/webhooks/airtm", {}, key=None).status_code == 400
    raw, name, at = b'{"type": "payin.updated", "data": {}}', "msg_1", world.clock.now()
    secret = world.environ["AIRTM_WEBHOOK_SECRET"]
    headers = {
        "svix-id": name,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign(name, at, raw.decode()),
    }
    signed = api.send("POST", "/webhooks/airtm", raw=raw, headers=headers)
    assert code(signed) == "INVALID_REQUEST" if signed.status_code == 400 else signed.json["data"]

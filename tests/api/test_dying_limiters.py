"""A process may die between any two commands to Redis; no limit may outlive its window for that."""

from typing import Any

import pytest
from redis import Redis

from offerhub.api.rate_limits import SLOT_MS, WINDOW_MS, RateLimiter
from offerhub.api.redis_gate import RedisGate
from tests.fixtures.proof import Figure

pytestmark = pytest.mark.proves("P7")


class Killed(BaseException):
    """The process is gone."""


class Dying(Redis):
    """A client whose process dies before its n-th command."""

    lives = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.lives <= 0:
            raise Killed
        self.lives -= 1
        return super().execute_command(*args, **options)


def test_a_process_that_dies_between_two_commands_locks_nobody_out(
    redis_url: str, figure: Figure
) -> None:
    redis = Redis.from_url(redis_url)
    client: Any = Dying.from_url(redis_url)
    limiter = RateLimiter(RedisGate(client), marketplace_id="mkt")
    for lives in range(1, 20):
        client.lives = lives
        try:
            limiter.take(f"dead-{lives}", limit=3)
        except Killed:
            figure("deaths", 1)
        else:
            break
    else:
        raise AssertionError("a request takes more than twenty commands")
    assert lives < 4, "counting is one command, and loading its script another"
    for name in redis.keys("*"):
        left_ms = redis.pttl(name)
        assert 0 < left_ms <= WINDOW_MS + 2 * SLOT_MS, f"{name!r} stays for ever"

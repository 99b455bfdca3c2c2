"""What a request costs the database, counted statement by statement."""

from typing import Any

import pytest

from offerhub.store.database import proxy
from tests.api.caller import Caller

MOST_OF_A_RESERVE = 10


class Counter:
    """Counts statements of this process, BEGIN and COMMIT included."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        database = proxy.obj
        for name in ("begin", "commit", "rollback"):
            monkeypatch.setattr(database, name, self._counting(getattr(database, name), name))
        monkeypatch.setattr(database, "execute_sql", self._executing(database.execute_sql))

    def _counting(self, real: Any, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.statements.append(name.upper())
            return real(*args, **kwargs)

        return call

    def _executing(self, real: Any) -> Any:
        def call(sql: str, *args: Any, **kwargs: Any) -> Any:
            self.statements.append(sql)
            return real(sql, *args, **kwargs)

        return call


def _funded_order(api: Caller) -> str:
    world = api.world
    world.set_up()
    buyer = world.funded_user("buyer", "50.00")["id"]
    seller = api.user("seller")
    body = {"buyer_id": buyer, "seller_id": seller, "amount": "10.00", "title": "t"}
    return str(api.made("/orders", body)["id"])


def test_a_reserve_costs_at_most_ten_round_trips(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = _funded_order(api)
    counter = Counter(monkeypatch)
    assert api.post(f"/orders/{order}/reserve", {}).status_code == 200
    assert len(counter.statements) <= MOST_OF_A_RESERVE, "\n".join(counter.statements)


def test_a_replay_costs_one_round_trip(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    order = _funded_order(api)
    api.post(f"/orders/{order}/reserve", {}, key="one")
    counter = Counter(monkeypatch)
    assert api.post(f"/orders/{order}/reserve", {}, key="one").status_code == 200
    assert len(counter.statements) == 1, "\n".join(counter.statements)


def test_a_refused_key_costs_one_round_trip_and_a_malformed_one_none(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(monkeypatch)
    api.with_key(f"ohk_test_{'a' * 21}_{'b' * 43}").get("/me")
    assert len(counter.statements) == 1
    api.with_key("ohk_test_nonsense").get("/me")
    assert len(counter.statements) == 1


def test_a_bad_field_costs_no_transaction(api: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    api.get("/me")
    counter = Counter(monkeypatch)
    api.post("/orders", {"amount": 1})
    assert not {"BEGIN", "COMMIT", "ROLLBACK"} & set(counter.statements)
    assert len(counter.statements) <= 2  # the key; and once a second, whether there is maintenance


def test_no_connection_stays_behind_a_request(api: Caller) -> None:
    for _ in range(3):
        api.get("/users")
        api.post("/users", {"type": "BUYER"})
        api.get("/users/nobody")
    assert proxy.obj.is_closed()

"""Whether lists, filters and reserves take the same time in a small market and in a large one.

Each request goes over HTTP to one market and then to the other, in turns, again and again, so that
whatever else the machine does meets both alike; what is reported is the ratio of their times. The
pages of both hold the same number of rows. Not here: how the markets are made (`markets`).
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.clients import Client
from bench.deployment import Servers
from bench.markets import (
    ENGINES,
    SELLER,
    USER,
    USER_OF_RARE,
    Market,
    served,
)
from bench.volume import row_id
from offerhub.services.representations import timestamp
from offerhub.store.paging import encode

SIZES: Final = (1_000, 200_000)
WARM_UP_TURNS: Final = 3
STEEP: Final = 1.5  # ratio of the medians that is worth a look
WRITES: Final = ("create", "reserve", "cancel")
CONTROL: Final = "a whole table, by SQL"

# A path, the prefix of its rows' ids (None: they go by number), and its filters. A filter that
# begins with > is asked for twice: from the newest row and from the middle of the list.
LISTS: Final[tuple[tuple[str, str | None, tuple[str, ...]], ...]] = (
    ("/orders", "ord", (
        ">", ">status=CLOSED", "status=DISPUTED", "status=REFUNDED", ">buyer_id={user}",
        ">seller_id={seller}", "buyer_id={rare}&status=DISPUTED",
        "buyer_id={user}&status=DISPUTED", "client_order_ref=ref-9",
        "created_after={early}&created_before={late}", "created_before={late}",
        "status=CLOSED&created_before={late}", "buyer_id={user}&created_before={late}",
        "status=DISPUTED&created_after={start}")),
    ("/users", "usr", (">", "type=SELLER", "external_user_id=external-5")),
    ("/users/{user}/balance", None, ("",)),
    ("/users/{user}/ledger", None, (">",)),
    ("/users/{user}/wallet/transactions", None, (">",)),
    ("/topups", "topup", (
        ">", ">user_id={user}", "status=TOPUP_FAILED", "user_id={rare}&status=TOPUP_FAILED",
        "user_id={user}&status=TOPUP_FAILED")),
    ("/withdrawals", "wd", (
        ">", ">user_id={user}", "status=WITHDRAWAL_FAILED",
        "user_id={rare}&status=WITHDRAWAL_FAILED", "user_id={user}&status=WITHDRAWAL_FAILED")),
    ("/disputes", "dsp", (">", "status=RESOLVED", "status=OPEN", "assignee=support-1")),
    ("/events", None, (
        ">", "types=dispute.*", "types=key.revoked", "resource_types=dispute", ">user_id={user}",
        "user_id={rare}&types=dispute.*", "user_id={user}&types=topup.*")),
    ("/audit/logs", None, (
        ">", "resource_type=key", "resource_id={order}", "action=key.revoked",
        ">user_id=key_7", "from={early}&to={late}", "from={early}", "to={late}",
        "action=key.revoked&from={start}", "user_id=key_7&to={late}")),
    ("/webhook-endpoints/{endpoint}/deliveries", "whd", (">", "status=FAILED")),
    ("/webhook-endpoints/{failing}/deliveries", "whd", ("status=FAILED",)),
    ("/admin/operations", "opn", (">", "status=STUCK")),
    ("/admin/dead-letters", "whd", ("",)),
)  # fmt: skip
OF_A_BOUND_TOKEN: Final[tuple[tuple[str, str | None, tuple[str, ...]], ...]] = (
    ("/orders", "ord", (">", "status=REFUNDED")),
    ("/events", None, (">", "types=topup.*")),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One request; `deep` is where its page begins, by the ids' prefix."""

    name: str
    path: str
    prefix: str | None
    deep: bool
    bound: bool

    def path_for(self, orders: int) -> str:
        middle = orders // 2
        path = self.path.format(
            user=USER, rare=USER_OF_RARE, seller=SELLER, order=row_id("ord", 9),
            endpoint=row_id("whe", 3), failing=row_id("whe", 10),
            start=timestamp(100), early=timestamp(middle), late=timestamp(middle + 30),
        )  # fmt: skip
        if not self.deep:
            return path
        if path.startswith("/events"):
            cursor = str(middle)
        elif self.prefix is not None:
            cursor = encode(middle, row_id(self.prefix, middle))
        else:
            number = orders if path.startswith("/users") else middle  # entries: two to an order
            cursor = encode(number, number)
        return f"{path}{'&' if '?' in path else '?'}cursor={cursor}"

    def client(self, market: Market) -> Client:
        return market.bound_client if self.bound else market.client


def cases() -> Iterator[Case]:
    for bound, lists in ((False, LISTS), (True, OF_A_BOUND_TOKEN)):
        for path, prefix, filters in lists:
            for said in filters:
                asked = said.removeprefix(">")
                full = f"{path}?{asked}" if asked else path
                name = f"{full} by a bound token" if bound else full
                yield Case(name, full, prefix, False, bound)
                if said.startswith(">"):
                    yield Case(f"{name}, deep", full, prefix, True, bound)


def measure(servers: Servers, *, turns: int, sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """Rows by engine and request: times of each size, and their ratio."""
    found: list[dict[str, Any]] = []
    for engine in ENGINES:
        with served(servers, engine, sizes) as markets:
            times = _in_turns(markets, turns=turns)
        found += [
            {"engine": engine, "request": name, **_figures(by_size)}
            for name, by_size in times.items()
        ]
    return {"sizes": list(sizes), "turns": turns, "flat": found, "steep": _steep(found)}


def _in_turns(markets: Sequence[Market], *, turns: int) -> dict[str, list[list[float]]]:
    """Milliseconds of each request, a list for each market."""
    asked = list(cases())
    names = [*(case.name for case in asked), *WRITES, CONTROL]
    times: dict[str, list[list[float]]] = {name: [[] for _ in markets] for name in names}
    _same_pages(markets, asked)
    for turn in range(WARM_UP_TURNS + turns):
        # Whoever is first in one turn is last in the next.
        order = list(enumerate(markets))[:: 1 if turn % 2 else -1]
        for case in asked:
            for number, market in order:
                path = case.path_for(market.orders)
                times[case.name][number].append(_timed_get(case.client(market), path))
        for number, market in order:
            for name, ms in zip(WRITES, _order_made_and_canceled(market), strict=True):
                times[name][number].append(ms)
            times[CONTROL][number].append(market.read_whole_table_ms())
    return {name: [one[WARM_UP_TURNS:] for one in by_size] for name, by_size in times.items()}


def _same_pages(markets: Sequence[Market], asked: Sequence[Case]) -> None:
    """Raises: RuntimeError unless each request is answered with as many rows by all markets."""
    unlike: list[str] = []
    for case in asked:
        counts = []
        for market in markets:
            path = case.path_for(market.orders)
            status, answer = case.client(market).get(path)
            if status != 200:
                raise RuntimeError(f"{path}: {status} {answer.decode()}")
            counts.append(len(json.loads(answer)["data"]))
        if len(set(counts)) != 1:
            unlike.append(f"{case.name}: pages of {counts} rows")
    if unlike:
        raise RuntimeError(f"cannot be compared: {'; '.join(unlike)}")


def _timed_get(client: Client, path: str) -> float:
    try:
        began = time.perf_counter()
        status, _ = client.get(path)
    except ConnectionResetError:
        client.reopen()
        began = time.perf_counter()
        status, _ = client.get(path)
    if status != 200:
        raise RuntimeError(f"{path}: {status}")
    return (time.perf_counter() - began) * 1000


def _order_made_and_canceled(market: Market) -> list[float]:
    """Milliseconds of creating an order, reserving its funds and canceling it."""
    body = {"buyer_id": USER, "seller_id": SELLER, "amount": "10.00", "title": "Logo design"}
    path, times = "/orders", []
    market.client.reopen()  # the server may have closed it while the other market was asked
    for following in ("/reserve", "/cancel", ""):
        began = time.perf_counter()
        status, answer = market.client.post(path, body)
        times.append((time.perf_counter() - began) * 1000)
        if status not in (200, 201):
            raise RuntimeError(f"{path}: {status} {answer.decode()}")
        path, body = f"/orders/{json.loads(answer)['data']['id']}{following}", {}
    return times


def _figures(by_size: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Times of each size, and the last size's to the first's."""
    kinds = {"best": [min(one) for one in by_size], "median": [median(one) for one in by_size],
             "p99": [_p99(one) for one in by_size]}  # fmt: skip
    return {
        **{f"{kind}_ms": [round(ms, 2) for ms in times] for kind, times in kinds.items()},
        **{f"{kind}_ratio": round(times[-1] / times[0], 2) for kind, times in kinds.items()},
    }


def _p99(times_ms: Sequence[float]) -> float:
    ordered = sorted(times_ms)
    return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def _steep(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Requests that the larger market answers so much later that it is worth a look."""
    return [
        f"{row['engine']} {row['request']}"
        for row in rows
        if row["median_ratio"] > STEEP and row["request"] != CONTROL
    ]

"""The cases that need real processes: what is done to the deployment while the load runs."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from proof.plan import Plan, Result
from proof.rig import checks, growth, watching
from proof.rig.calls import Api, Record, Refused
from proof.rig.evidence import Evidence, gather
from proof.rig.killer import Killer
from proof.rig.load import RATE_PER_S, Ends, Load
from proof.rig.rows import Away
from proof.rig.site import Site, site_for
from tests.fixtures.postgres import NoPostgres

SLOWEST_RECOVERY_S = 10.0
WARM_UP_S = 3.0
PATIENCE_S = 12.0  # Postgres ends a session that sleeps in a transaction, and a standby looks soon
_history: dict[str, Ends] = {}
Figures = dict[str, Any]


def kills(plan: Plan) -> Result:
    """F1: SIGKILL of every process at random moments."""

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        killer = Killer(site, random.Random(plan.seed))
        killer.run(plan.kills)
        found += killer.findings
        times = sorted(t for all_ in killer.recoveries.values() for t in all_)
        figures: Figures = {"kills": killer.kills.total()}
        figures |= {f"kills_{name}": count for name, count in sorted(killer.kills.items())}
        figures |= {"recovery_p50_s": _at(times, 0.5), "recovery_p99_s": _at(times, 0.99),
                    "recovery_max_s": _at(times, 1.0)}  # fmt: skip
        for name, all_ in sorted(killer.recoveries.items()):
            figures[f"recovery_{name}_p99_s"] = _at(sorted(all_), 0.99)
        if _at(times, 0.99) > SLOWEST_RECOVERY_S:
            found.append(f"recovery: p99 is {_at(times, 0.99)} s, not below {SLOWEST_RECOVERY_S}")
        return figures

    return _case("F1", plan, act)


def redis_lost(plan: Plan) -> Result:
    """F3: Redis is emptied every few seconds, then stopped for a while."""

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        flushes, end = 0, time.monotonic() + plan.seconds
        while time.monotonic() < end:
            with Redis.from_url(site.market.settings.redis_url) as redis, suppress(RedisError):
                redis.flushall()
                flushes += 1
            time.sleep(min(5.0, max(0.0, end - time.monotonic())))
        before, away_s = site.record.count, 120.0 if plan.full else 20.0
        site.market.control("stop", "valkey")
        time.sleep(away_s)
        answered = site.record.count - before
        site.market.control("start", "valkey")
        if answered < away_s:
            found.append(f"without Redis only {answered} requests were answered in {away_s:.0f} s")
        time.sleep(WARM_UP_S)
        return {"flushes": flushes, "answered_without_redis": answered}

    return _case("F3", plan, act)


def postgres_restarts(plan: Plan) -> Result:
    """F4: the database server ends, in three ways by turns, and is started again."""

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        server, chance = site.postgres, random.Random(plan.seed)
        if server is None:
            raise ValueError("this case needs Postgres")

        def crash() -> None:
            postmaster = int((server._data / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            server.stop()

        ways: list[tuple[str, Callable[[], None]]] = [
            ("fast", server.stop), ("immediate", server.kill), ("sigkill", crash),
        ]  # fmt: skip
        figures: Figures = {"restarts": plan.restarts}
        recoveries = []
        for number in range(plan.restarts):
            time.sleep(chance.uniform(2.0, 4.0))
            name, end = ways[number % len(ways)]
            end()
            _start_again(server)
            up_at, before = time.monotonic(), len(site.record.promises)
            while len(site.record.promises) == before and time.monotonic() < up_at + 60:
                time.sleep(0.05)
            recoveries.append(time.monotonic() - up_at)
            figures[f"restarts_{name}"] = figures.get(f"restarts_{name}", 0) + 1
        recoveries.sort()
        figures |= {"recovery_p99_s": _at(recoveries, 0.99)}
        return figures

    return _case("F4", plan, act)


def two_relays(plan: Plan) -> Result:
    """F11: the active relay is paused beyond its lease, again and again; the other takes over."""
    query = "SELECT holder, token, expires_at FROM leases WHERE name = 'relay'"

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        command = [str(site.market.home / "bin" / "offerhub"), "relay"]
        second = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        takeovers = stood_still = 0
        try:
            time.sleep(3.0)
            for _ in range(30 if plan.full else 3):
                holder, token, _until = site.rows.all(query)[0]
                active = int(str(holder).split(":")[1])
                os.kill(active, signal.SIGSTOP)
                try:
                    taken = _taken_over(site, query, int(token), patience_s=PATIENCE_S)
                finally:
                    os.kill(active, signal.SIGCONT)
                takeovers, stood_still = takeovers + taken, stood_still + (not taken)
                time.sleep(1.5)
            if not takeovers:
                found.append("F11: no standby ever took over from a paused relay")
            if stood_still and site.postgres is not None:
                found.append(f"F11: {stood_still} paused relays kept the standby waiting")
        finally:
            second.terminate()
            second.wait(20)
        return {"takeovers": takeovers, "paused_while_writing": stood_still}

    return _case("F11", plan, act)


def _taken_over(site: Site, query: str, token: int, *, patience_s: float) -> bool:
    """Whether another relay got the lease, and placed events under it."""
    end, token_now = time.monotonic() + patience_s, token
    while time.monotonic() < end:
        with suppress(Away):
            token_now = int(site.rows.all(query)[0][1])
        if token_now > token:
            time.sleep(1.0)  # it works beside the paused one
            return True
        time.sleep(0.1)
    return False


def _start_again(server: Any) -> None:
    """A killed server's children may need a moment to be gone."""
    for _ in range(20):
        try:
            server.start()
            return
        except NoPostgres:
            time.sleep(0.5)
    server.start()


def soak(plan: Plan) -> Result:
    """F28: an even load for hours; nothing grows that should not."""
    record = watching.Latencies()

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        seen = watching.watch(site, record, hours=plan.soak_h)
        found += growth.findings(seen)
        return {"hours": round(plan.soak_h, 2), **growth.figures(seen)}

    site = replace(site_for(plan.database), record=record)
    return _case("F28", plan, act, site=site, per_s=watching.OPERATIONS_PER_S)


def _case(
    id_: str, plan: Plan, act: Callable[[Site, Load, list[str]], Figures], *,
    site: Site | None = None, per_s: float = RATE_PER_S,
) -> Result:  # fmt: skip
    site = site or site_for(plan.database)
    began, found = time.monotonic(), list[str]()
    site.record.longest_s = 0.0
    errors = len(site.record.server_errors)
    with Load(site, seed=plan.seed + int(id_[1:]), per_s=per_s) as load:
        time.sleep(WARM_UP_S)
        figures = act(site, load, found)
    all_ends = _history.setdefault(plan.database, Ends())
    for name in ("orders", "topups", "withdrawals"):
        getattr(all_ends, name).extend(getattr(load.ends, name))
    all_ends.failures = load.ends.failures
    evidence = gather(site, all_ends)
    found += checks.findings(evidence)
    found += _asked_again(site)
    found += [f"the API answered 500: {e}" for e in site.record.server_errors[errors:][:5]]
    figures = _common(load, evidence) | figures
    return Result(
        case=id_, database=plan.database, passed=not found,
        took_s=round(time.monotonic() - began, 1), seed=plan.seed, figures=figures,
        findings=found[:40],
    )  # fmt: skip


def _common(load: Load, evidence: Evidence) -> Figures:
    return {
        "operations_answered": load.answered,
        "operations_per_s": round(load.answered / load.took_s, 1),
        "orders_closed": len(load.ends.orders),
        "escrow_orders": load.ends.ways.total(),
        "topups": len(load.ends.topups),
        "withdrawals": len(load.ends.withdrawals),
        "events": len(evidence.events),
        "lost_or_doubled_stroops": checks.lost_or_doubled_stroops(evidence),
    }


def _asked_again(site: Site) -> list[str]:
    """A sample of all mutations, asked again with their keys: each gets its first answer."""
    api = Api(site.address, site.market.key, Record())
    found = []
    for promise in site.record.promises[-400::10]:
        try:
            again = api.post(promise.path, json.loads(promise.body), promise.key)
        except Refused as refused:
            found.append(f"promise: asked again, {refused}")
            continue
        if again != promise.data:
            found.append(f"promise: {promise.path}, asked again, was answered otherwise")
    api.close()
    return found


def _at(ordered: list[float], share: float) -> float:
    """By the nearest rank; 0 when there is none."""
    if not ordered:
        return 0.0
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

"""The cases that need real processes: what is done to the deployment while the load runs."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from proof.plan import Plan, Result
from proof.rig import checks, growth, standbys, watching
from proof.rig.calls import Api, Record, Refused
from proof.rig.evidence import Evidence, gather
from proof.rig.killer import Killer
from proof.rig.load import RATE_PER_S, TRADERS, Ends, Load
from proof.rig.site import Site, site_for
from tests.fixtures.postgres import NoPostgres

SLOWEST_RECOVERY_S = 10.0
WARM_UP_S = 2.0
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
    """F3: Redis is emptied every few seconds, then stopped for a while.

    Without Redis a worker keeps to a sixth of each provider's limit, and for a window (a minute)
    afterwards too. One trader, with two or three calls a second, stays below it; more would only
    wait for the minute's end, as those of a full run do.
    """
    gap_s, away_s, traders = (5.0, 120.0, TRADERS) if plan.full else (3.0, 15.0, 1)

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        flushes, end = 0, time.monotonic() + plan.seconds
        while time.monotonic() < end:
            with Redis.from_url(site.market.settings.redis_url) as redis, suppress(RedisError):
                redis.flushall()
                flushes += 1
            time.sleep(min(gap_s, max(0.0, end - time.monotonic())))
        before = site.record.count
        site.market.control("stop", "valkey")
        time.sleep(away_s)
        answered = site.record.count - before
        site.market.control("start", "valkey")
        if answered < away_s:
            found.append(f"without Redis only {answered} requests were answered in {away_s:.0f} s")
        time.sleep(WARM_UP_S)
        return {"flushes": flushes, "answered_without_redis": answered}

    return _case("F3", plan, act, traders=traders)


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


def two_at_once(plan: Plan) -> Result:
    """F11: the active relay and scheduler are paused beyond their leases; others take over."""

    def act(site: Site, load: Load, found: list[str]) -> Figures:
        with ExitStack() as stack:
            pairs = []
            for second_of in (standbys.relays, standbys.schedulers):
                pairs.append(second_of(site))
                stack.callback(pairs[-1].close)
            found += [
                f"F11: no second {pair.name} came to stand by"
                for pair in pairs
                if not pair.standing_by()
            ]
            for _ in range(30 if plan.full else 2):
                _paused_together(pairs)
            found += _stood_still(pairs, site)
        relays, schedulers = pairs
        return {
            "takeovers": relays.takeovers,
            "scheduler_takeovers": schedulers.takeovers,
            "paused_while_writing": max(pair.stood_still for pair in pairs),
        }

    return _case("F11", plan, act)


def _paused_together(pairs: list[standbys.Pair]) -> None:
    """At once, so that one wait for the leases' end serves all; then all go on."""
    try:
        for pair in pairs:
            pair.pause()
        for pair in pairs:
            pair.await_takeover(patience_s=PATIENCE_S)
        time.sleep(1.0)  # they work beside the paused ones
    finally:
        for pair in pairs:
            pair.wake()
    time.sleep(1.5)


def _stood_still(pairs: list[standbys.Pair], site: Site) -> Iterator[str]:
    """SQLite's lock is the file's: a process that is paused in a transaction keeps it."""
    for pair in pairs:
        if not pair.takeovers:
            yield f"F11: no standby ever took over from a paused {pair.name}"
        if pair.stood_still and site.postgres is not None:
            yield f"F11: {pair.stood_still} times a paused {pair.name} kept the standby waiting"
        if not pair.one_works(patience_s=PATIENCE_S):
            yield f"F11: afterwards the {pair.name} with the lease does not work"


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
    site: Site | None = None, per_s: float = RATE_PER_S, traders: int = TRADERS,
) -> Result:  # fmt: skip
    site = site or site_for(plan.database)
    began, found = time.monotonic(), list[str]()
    site.record.longest_s = 0.0
    errors = len(site.record.server_errors)
    with Load(site, seed=plan.seed + int(id_[1:]), per_s=per_s, traders=traders) as load:
        time.sleep(WARM_UP_S)
        figures = act(site, load, found)
        stopped = time.monotonic()
    all_ends = _history.setdefault(plan.database, Ends())
    for name in ("orders", "topups", "withdrawals"):
        getattr(all_ends, name).extend(getattr(load.ends, name))
    all_ends.failures = load.ends.failures
    evidence = gather(site, all_ends)
    figures["quiet_after_s"] = round(evidence.quiet_at - stopped, 1)
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

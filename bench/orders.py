"""Orders under load: create and reserve, over HTTP, beside the same statements run by the driver.

Two cases: one hot buyer, whose balance every pair changes, and a buyer of its own per connection.
"""

import json
import os
import subprocess
import sys
from itertools import product
from typing import Any

from bench import statements
from bench.deployment import Deployment
from bench.measuring import percentiles
from offerhub import settings
from offerhub.wsgi import create_app

CPUS = os.cpu_count() or 1
RAW_PROCESSES = 2  # one interpreter alone would be slower than the database
STEPS = ("create", "reserve", "pair")


def measure(
    deployment: Deployment, *, connections: int, seconds: float, warm_up_s: float, rounds: int
) -> dict[str, Any]:
    """Figures by case and by way; each round measures every case anew."""
    seller = deployment.user("seller")
    buyers = [deployment.buyer(f"buyer-{number}") for number in range(connections)]
    recorded = _one_pair(deployment, buyer=buyers[0], seller=seller)
    # The yardstick repeats what was recorded, balances too, so it gets books of its own.
    yardstick_url = deployment.copied_database()
    cases = {"one hot buyer": buyers[:1], f"{connections} buyers": buyers}
    task = {"connections": connections, "seconds": seconds, "warm_up_s": warm_up_s}
    found: list[dict[str, Any]] = []
    with deployment.serving():
        for _, (name, chosen) in product(range(rounds), cases.items()):
            asked = {**task, "buyers": chosen, "seller": seller}
            api = _api(deployment, asked)
            raw = _raw(deployment, yardstick_url, asked, recorded, buyer=buyers[0])
            found.append({"case": name, "api": api, "raw_sql": raw, **_ratios(api, raw)})
    return {
        "measured": found,
        "statements_per_pair": len(recorded),
        "findings": deployment.findings(),
    }


def _ratios(api: dict[str, Any], raw: dict[str, Any]) -> dict[str, float]:
    """The API to the plain statements: by pairs per second, and by what a pair costs.

    Beside other work on the machine the first depends on who else runs; the second hardly does.
    """
    costs = "cpu_ms_per_pair_in_all"
    return {
        "ratio": round(api["pairs_per_s"] / raw["pairs_per_s"], 3),
        "cpu_ratio": round(raw[costs] / api[costs], 3) if api[costs] else 0.0,
    }


def _one_pair(deployment: Deployment, *, buyer: str, seller: str) -> list[statements.Statement]:
    """The statements of one pair, as the API's own process sends them once it is warm."""
    api = create_app(deployment.ctx.app, settings.load(deployment.environ))
    headers = {"Authorization": f"Bearer {deployment.key}", "Content-Type": "application/json"}
    order = {
        "buyer_id": buyer, "seller_id": seller, "amount": "10.00", "title": "Logo design",
        "description": "Three drafts, one final file", "metadata": {"project": "spring"},
    }  # fmt: skip

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        key = {"Idempotency-Key": statements.new_uuid()}
        answer = api.test_client().post(f"/api/v1{path}", json=body, headers={**headers, **key})
        if answer.status_code >= 300:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return dict(answer.json["data"])

    def pair() -> None:
        post(f"/orders/{post('/orders', order)['id']}/reserve", {})

    pair()
    with statements.recorded() as found:
        pair()
    return list(found)


def _api(deployment: Deployment, task: dict[str, Any]) -> dict[str, Any]:
    task = {
        **task, "host": "127.0.0.1", "port": deployment.port, "key": deployment.key,
        "watched": deployment.pids,
    }  # fmt: skip
    return _figures(_run("bench.clients", [task]))


def _raw(
    deployment: Deployment,
    url: str,
    task: dict[str, Any],
    recorded: list[statements.Statement],
    *,
    buyer: str,
) -> dict[str, Any]:
    watched = {"postgres": deployment.pids["postgres"]}
    task = {
        **task,
        "url": url,
        "statements": statements.packed(recorded),
        "buyer": buyer,
        "connections": task["connections"] // RAW_PROCESSES,
    }
    buyers = task["buyers"]
    tasks = [
        {**task, "buyers": buyers[n::RAW_PROCESSES] or buyers, "watched": watched if n == 0 else {}}
        for n in range(RAW_PROCESSES)
    ]
    return _figures(_run("bench.statements", tasks))


def _run(program: str, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run one process per task, all at once; their windows."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in tasks
    ]
    for process, task in zip(running, tasks, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(task))
        process.stdin.close()
    windows = []
    for process in running:
        assert process.stdout is not None
        windows.append(json.loads(process.stdout.read()))
        if process.wait(60) != 0:
            raise RuntimeError(f"{program} failed")
    return windows


def _figures(windows: list[dict[str, Any]]) -> dict[str, Any]:
    done = sum(window["done"] for window in windows)
    seconds = windows[0]["seconds"]
    failures: dict[str, int] = {}
    cpu_s: dict[str, float] = {}
    times: dict[str, list[float]] = {}
    for window in windows:
        for name, count in window["failures"].items():
            failures[name] = failures.get(name, 0) + count
        for name, spent in window["cpu_s"].items():
            cpu_s[name] = max(cpu_s.get(name, 0), spent) if name == "machine" else (
                cpu_s.get(name, 0) + spent
            )  # fmt: skip
        for name, ms in window["steps_ms"].items():
            times.setdefault(name, []).extend(ms)
    machine_s = cpu_s.pop("machine")
    per_pair = (
        {name: round(1000 * spent / done, 2) for name, spent in cpu_s.items()} if done else {}
    )
    in_all = round(sum(per_pair.values()), 2)
    return {
        "pairs_per_s": round(done / seconds, 1),
        "pairs": done,
        "seconds": seconds,
        "latency_ms": {name: percentiles(times.get(name, [])) for name in STEPS if name in times},
        "failures": failures,
        "cpu_ms_per_pair": per_pair,
        "cpu_ms_per_pair_in_all": in_all,
        "pairs_per_s_that_the_cpus_allow": round(1000 * CPUS / in_all, 1) if in_all else 0.0,
        "other_processes_cpus": round(max(0.0, machine_s - sum(cpu_s.values())) / seconds, 2),
    }

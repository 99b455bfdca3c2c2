"""`offerhub status`: every process in words, and the API's own report."""

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from offerhub.cli.deployment import read_settings, require_home

if TYPE_CHECKING:
    from offerhub.settings import Settings

OK: Final = 0
DEGRADED: Final = 1
DOWN: Final = 2
_WORDS: Final = {
    "RUNNING": "running",
    "STARTING": "starting",
    "STOPPING": "stopping",
    "STOPPED": "stopped",
    "BACKOFF": "failing, will be tried again",
    "EXITED": "ended",
    "FATAL": "failed for good",
    "UNKNOWN": "unknown",
}
_OVERALL: Final = {OK: "ok", DEGRADED: "degraded", DOWN: "down"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def status(as_json: bool) -> None:
    """Say how this deployment is doing. Exit code: 0 ok, 1 degraded, 2 down."""
    require_home()
    report = gather(read_settings())
    click.echo(json.dumps(report) if as_json else _words(report))
    sys.exit({word: code for code, word in _OVERALL.items()}[report["status"]])


def gather(settings: "Settings") -> dict[str, Any]:
    """The report: status, url, processes and what the API says of itself."""
    from offerhub.cli.appliance import health, leases, programs, supervisord

    running = supervisord.connect(settings.home)
    states = running.processes() if running is not None else {}
    found = [
        _process(settings, p, states.get(p.name), bool(running)) for p in programs.of(settings)
    ]
    ready, report = health.ask(settings, health.READY), health.ask(settings, health.REPORT)
    if not ready.status or (running is None and not any(p["pid"] for p in found)):
        overall = DOWN
    elif ready.ok and running is not None and all(p["state"] == "running" for p in found):
        overall = OK
    else:
        overall = DEGRADED
    return {
        "status": _OVERALL[overall],
        "url": settings.public_url,
        "environment": settings.environment.value,
        "supervised": running is not None,
        "ready": ready.ok,
        "processes": found,
        "health": report.body.get("data", report.body) or None,
        "leases": leases.look(settings) if ready.ok else None,
    }


def _process(
    settings: "Settings", program: Any, found: dict[str, Any] | None, supervised: bool
) -> dict[str, Any]:
    from offerhub.cli.appliance import holding
    from offerhub.settings import paths

    entry: dict[str, Any] = {
        "name": program.name, "summary": program.summary, "state": "stopped", "pid": None,
        "uptime_s": None,
    }  # fmt: skip
    if found is not None:
        entry["state"] = _WORDS.get(found["statename"], found["statename"].lower())
        if found["pid"]:
            entry |= {"pid": found["pid"], "uptime_s": max(0, int(time.time() - found["start"]))}
    elif not supervised and paths.run(settings.home).is_dir():
        pid = holding.holder(paths.run(settings.home), program.name)
        if pid is not None:
            entry |= {"state": "running without a supervisor; run `up`", "pid": pid}
    return entry


def _words(report: dict[str, Any]) -> str:
    lines = [f"OfferHub is {report['status']} ({report['environment']}): {report['url']}"]
    if not report["supervised"]:
        lines.append("  the process manager is not running; start it with `up`")
    width = max(len(entry["name"]) for entry in report["processes"])
    for entry in report["processes"]:
        age = f" for {_age(entry['uptime_s'])}" if entry["uptime_s"] is not None else ""
        lines.append(f"  {entry['name']:<{width}}  {entry['state']}{age} ({entry['summary']})")
    lines.append(f"  API {'is ready' if report['ready'] else 'is not ready'}")
    parts = (report["health"] or {}).get("components")
    if isinstance(parts, dict):
        lines += [f"    {name}: {_component(found)}" for name, found in parts.items()]
    lines += [f"    {_lease(found)}" for found in report["leases"] or []]
    return "\n".join(lines)


def _lease(found: dict[str, Any]) -> str:
    """Who does the work that one process at a time may do, and who would take over."""
    name, standbys = f"{found['name']} lease", found["standbys"]
    waiting = f"{standbys} standing by" if standbys else "nobody stands by"
    if found["state"] != "HELD":
        return f"{name}: held by nobody, {waiting}"
    since = f" since {found['since']}" if found["since"] else ""
    until = f"until {found['until']}, token {found['fencing_token']}"
    return f"{name}: {found['holder']}{since}, {until}, {waiting}"


def _component(found: Any) -> str:
    if not isinstance(found, dict):
        return str(found)
    detail = f" ({found['detail']})" if found.get("detail") else ""
    return f"{found.get('status', 'unknown')}{detail}"


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"

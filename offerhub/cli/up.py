"""`offerhub up` and `offerhub down`: all processes of one deployment, on this machine."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from offerhub.cli.deployment import read_settings, require_home
from offerhub.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from offerhub.settings import Settings

READY_TIMEOUT_S: Final = 120
STOP_TIMEOUT_S: Final = 120.0
_WATCH_S: Final = 2.0


@click.command()
@click.option(
    "--timeout", "timeout_s", type=click.IntRange(1, 3600), default=READY_TIMEOUT_S,
    show_default=True, help="Seconds to wait until the API is ready.",
)  # fmt: skip
@click.option(
    "--foreground", is_flag=True, help="Stay, and stop everything when told to stop (containers)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def up(timeout_s: int, foreground: bool, as_json: bool) -> None:
    """Start everything that does not run yet, and wait until the API is ready.

    Running it again is harmless: a deployment that is up stays as it is.
    """
    home = require_home()
    if not foreground:
        _start(home, timeout_s=timeout_s, as_json=as_json)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _start(home, timeout_s=timeout_s, as_json=as_json)
        _stay(home)
    except KeyboardInterrupt:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # it is stopping already
        with _one_at_a_time(home):
            _stop(home)


def _start(home: Path, *, timeout_s: int, as_json: bool) -> None:
    settings = read_settings()
    from offerhub.cli.appliance import starting

    with _one_at_a_time(home):
        began = time.monotonic()
        started = starting.start(settings, timeout_s=timeout_s, say=_say)
    outcome = {
        "already_running": started.already,
        "url": settings.public_url,
        "docs_url": f"{settings.public_url}/api/v1/docs",
        "sandbox_url": _sandbox_url(settings),
        "admin_key_file": str(started.admin_key_file) if started.admin_key_file else None,
        "seconds": round(time.monotonic() - began, 1),
    }
    click.echo(json.dumps(outcome) if as_json else _words(outcome))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def down(as_json: bool) -> None:
    """Stop every process and wait until all are gone. Running work is finished first."""
    home = require_home()
    with _one_at_a_time(home):
        stopped = _stop(home)
    if as_json:
        click.echo(json.dumps({"stopped": stopped}))
    else:
        click.echo("OfferHub is down." if stopped else "OfferHub was not running.")


def _stay(home: Path) -> None:
    """For as long as the process manager runs. Raises: Failure when it is gone."""
    from offerhub.cli.appliance import supervisord

    while supervisord.connect(home) is not None:
        time.sleep(_WATCH_S)
    raise Failure("the process manager is gone; start again")


def _stop(home: Path) -> bool:
    """Whether anything ran. Raises: Failure when something would not go."""
    from offerhub.cli.appliance import holding, programs, supervisord
    from offerhub.settings import paths

    running = supervisord.connect(home)
    run = paths.run(home)
    if running is not None:
        pid = running.pid()
        _say("stopping; running work is finished first")
        running.shutdown()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _alive(pid) and supervisord.connect(home) is not None:
            if time.monotonic() > deadline:
                raise Failure("some processes are still stopping; run `offerhub status`",
                              code=Exit.RESUMABLE)  # fmt: skip
            time.sleep(0.1)
    if not run.is_dir():
        return running is not None
    survivors = [holding.stop(run, programs.MANAGER, grace_s=STOP_TIMEOUT_S)]
    survivors += [
        holding.stop(run, program.name, grace_s=float(program.stop_s))
        for program in reversed(programs.ALL)
    ]
    paths.remove_sockets(home)
    return running is not None or any(survivors)


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Keep two starts or stops of the same deployment apart. Raises: Failure."""
    from offerhub.settings import paths

    run = paths.make_private(paths.run(home))
    descriptor = os.open(run / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Failure("another `up` or `down` of this deployment is running") from None
    try:
        yield
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _sandbox_url(settings: "Settings") -> str | None:
    return f"http://{settings.sandbox_bind}" if settings.environment == "demo" else None


def _say(text: str) -> None:
    click.echo(f"  {text}", err=True)


def _words(outcome: dict[str, Any]) -> str:
    state = "was up already" if outcome["already_running"] else "is up"
    lines = [f"OfferHub {state}: {outcome['url']}", f"  API description  {outcome['docs_url']}"]
    if outcome["sandbox_url"]:
        lines.append(f"  sandbox          {outcome['sandbox_url']} (no real money)")
    if outcome["admin_key_file"]:
        lines.append(f"  first admin key  in {outcome['admin_key_file']}")
    next_steps = (
        "demo (one whole order), status, logs" if outcome["sandbox_url"] else "status, logs"
    )
    lines.append(f"  next             bin/offerhub {next_steps}, tui, down")
    return "\n".join(lines)

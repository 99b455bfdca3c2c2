"""The start of a deployment, step by step; each step may be repeated, so a broken start is too.

Order: Valkey, the sandbox (demo), the database, the first admin key, then everything else, until
the API says that it is ready.
"""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from offerhub.cli.appliance import health, holding, programs, supervisord, valkey
from offerhub.cli.appliance.admin_key import FILE_NAME, ensure_admin_key
from offerhub.cli.appliance.supervisord import Supervisor
from offerhub.cli.appliance.watching import Watch
from offerhub.cli.exits import Exit, Failure
from offerhub.settings import paths

if TYPE_CHECKING:
    from offerhub.settings import Settings

Say = Callable[[str], None]
FOUNDATION_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """How a start ended. `already`: everything ran before, and nothing was done."""

    already: bool
    admin_key_file: Path | None


def start(settings: "Settings", *, timeout_s: float, say: Say) -> Started:
    """Bring the deployment up. Raises: Failure, naming the process that would not start."""
    os.umask(0o077)  # the database is nobody else's
    names = [program.name for program in programs.of(settings)]
    running = supervisord.connect(settings.home)
    if running is None:
        _check_wallet_keys(settings, away_is_well=True)  # soon: before anything is started
        running = _start_supervisor(settings)
    elif Watch(settings.home, running).are_running(names) and health.ask(settings).ok:
        return Started(already=True, admin_key_file=_key_file(settings.home))
    watch = Watch(settings.home, running)
    _start_foundations(settings, running, watch, say)
    _migrate(settings, say)
    _check_wallet_keys(settings, away_is_well=False)
    key_file = ensure_admin_key(settings, say)
    for name in names:
        running.start_program(name)
    say("waiting until the API is ready")
    watch.wait([programs.API, *names], works=lambda: health.ask(settings).ok, timeout_s=timeout_s)
    return Started(already=False, admin_key_file=key_file)


def check_ports(settings: "Settings") -> None:
    """Refuse early when somebody else listens where we want to.

    A survivor of our own crashed start is no stranger: it is taken over. Raises: Failure.
    """
    run = paths.run(settings.home)
    places = {programs.API: (health.local_address(settings), "OFFERHUB_BIND")}
    if settings.environment == "demo":
        places[programs.SANDBOX] = (settings.sandbox_address, "OFFERHUB_SANDBOX_BIND")
    for name, ((host, port), variable) in places.items():
        if _listens(host, port) and (not run.is_dir() or holding.holder(run, name) is None):
            raise Failure(
                f"port {port} on {host} is taken by another program; stop it, or change {variable}"
                " in config.env",
                code=Exit.PREFLIGHT,
            )


def _start_supervisor(settings: "Settings") -> Supervisor:
    check_ports(settings)
    config = supervisord.write_config(settings.home, programs.of(settings))
    if settings.redis_embedded:
        valkey.write_config(settings)
    supervisord.start(settings.home, config)
    running = supervisord.connect(settings.home)
    if running is None:
        raise Failure(f"the process manager went away; see {paths.logs(settings.home)}")
    return running


def _start_foundations(settings: "Settings", running: Supervisor, watch: Watch, say: Say) -> None:
    if settings.redis_embedded:
        say("starting valkey")
        running.start_program(programs.VALKEY)
        watch.wait(
            [programs.VALKEY],
            works=lambda: valkey.answers(settings),
            timeout_s=FOUNDATION_TIMEOUT_S,
        )
    if settings.environment == "demo":
        say("starting the sandbox")
        running.start_program(programs.SANDBOX)
        watch.wait(
            [programs.SANDBOX],
            works=lambda: _listens(*settings.sandbox_address),
            timeout_s=FOUNDATION_TIMEOUT_S,
        )


def _migrate(settings: "Settings", say: Say) -> None:
    from offerhub.store.migrations import migrate

    say("migrating the database")
    paths.make_private(paths.database(settings.home).parent)
    migrate(settings.database_url)


def _check_wallet_keys(settings: "Settings", *, away_is_well: bool) -> None:
    """Before anybody is served: what is sealed can be opened. Raises: Failure.

    away_is_well: a database that is not there (yet) is no reason to refuse.
    """
    from offerhub.bootstrap import build_app
    from offerhub.cli import wallet_keys

    check = (
        wallet_keys.refuse_to_start_without_keys
        if away_is_well
        else (wallet_keys.refuse_without_keys)
    )
    check(build_app(settings))


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _key_file(home: Path) -> Path | None:
    found = home / FILE_NAME
    return found if found.exists() else None

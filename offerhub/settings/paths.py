"""Where a deployment keeps its files, as functions of its folder.

Socket paths have a limit of about 100 bytes; a folder with a longer or a very odd name keeps its
sockets in a short, private folder instead. Every process works out the same place from the folder.
"""

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Final
from urllib.parse import quote

SOCKET_PATH_BYTES: Final = 100
_PLAIN = re.compile(r"[\w/ .+=@,-]+", re.ASCII)
LONGEST_SOCKET: Final = "supervisor.sock.12345678"  # the manager binds a temporary name first


class UnsafeFolder(Exception):
    """A folder for sockets that somebody else could reach."""


def database(home: Path) -> Path:
    return home / "data" / "offerhub.db"


def sandbox_state(home: Path) -> Path:
    return home / "data" / "sandbox.db"


def audit_checkpoints(home: Path) -> Path:
    return home / "data" / "audit-checkpoints.jsonl"


def logs(home: Path) -> Path:
    return home / "data" / "logs"


def run(home: Path) -> Path:
    return home / "data" / "run"


def valkey_data(home: Path) -> Path:
    return home / "data" / "valkey"


def sockets(home: Path) -> Path:
    """The folder for Unix sockets of the deployment in `home` (not created here)."""
    folder = run(home)
    fits = len(os.fsencode(folder / LONGEST_SOCKET)) <= SOCKET_PATH_BYTES
    if fits and _PLAIN.fullmatch(str(folder)):
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"offerhub-{os.getuid()}-{digest}"  # noqa: S108 - see make_private


def valkey_socket(home: Path) -> Path:
    return sockets(home) / "valkey.sock"


def valkey_url(home: Path, *, password: str) -> str:
    """The embedded Valkey as Redis clients are told of it."""
    login = f":{quote(password, safe='')}@" if password else ""
    return f"unix://{login}{quote(str(valkey_socket(home)))}?db=0"


def supervisor_socket(home: Path) -> Path:
    return sockets(home) / "supervisor.sock"


def remove_sockets(home: Path) -> None:
    """Remove what a killed process left of its sockets, and their folder if it lies elsewhere."""
    folder = sockets(home)
    for socket in (valkey_socket(home), supervisor_socket(home)):
        socket.unlink(missing_ok=True)
    if folder != run(home) and folder.is_dir():
        folder.rmdir()


def make_private(folder: Path) -> Path:
    """Create `folder` for its owner alone, or check that it is so.

    Raises: UnsafeFolder when it is a link, or belongs to or is open to somebody else.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UnsafeFolder(f"{folder} is not a folder of yours; remove it and try again.")
    if found.st_mode & 0o077:
        folder.chmod(0o700)
    return folder

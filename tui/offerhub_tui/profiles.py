"""Which appliance, with which key. Keys come from owner-only files, never from the command line."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEY_FILE = "admin.key"
DEFAULT_BIND = "127.0.0.1:8080"
MAX_KEY_BYTES = 4096


class ProfileProblem(Exception):
    """The console cannot start with this; the text says what to do."""


@dataclass(frozen=True)
class Profile:
    """Where to call and with what. `key` stays out of `repr`."""

    url: str
    key: str = field(repr=False)


def read_key(path: Path) -> str:
    """The key in a file that only its owner can read.

    Raises: ProfileProblem when it cannot be read, others may read it, or it holds no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ProfileProblem(f"cannot read the key file {path}: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ProfileProblem(f"{path} is not a file")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ProfileProblem(f"others can read the key file {path}: run chmod 600 {path}")
        raw = os.read(descriptor, MAX_KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    key = raw.decode("ascii", errors="replace").strip()
    if not key or len(raw) > MAX_KEY_BYTES or not key.isprintable() or " " in key:
        raise ProfileProblem(f"{path} does not hold an API key")
    return key


def find_profile(*, url: str | None, key_file: Path | None, environ: Mapping[str, str]) -> Profile:
    """What the options say, else what the deployment in OFFERHUB_HOME says.

    Raises: ProfileProblem.
    """
    home = environ.get("OFFERHUB_HOME", "").strip()
    if key_file is None:
        if not home:
            raise ProfileProblem(
                "which key? Give --key-file, or run this deployment's own bin/offerhub."
            )
        key_file = Path(home) / KEY_FILE
    if url is None:
        url = _deployment_url(Path(home) if home else None, environ)
    return Profile(url=url, key=read_key(key_file))


def _deployment_url(home: Path | None, environ: Mapping[str, str]) -> str:
    """The local address of a deployment: the API is on this machine, whatever its public name."""
    values = dict(_read_config(home / "config.env")) if home is not None else {}
    bind = environ.get("OFFERHUB_BIND") or values.get("OFFERHUB_BIND") or DEFAULT_BIND
    host, _, port = bind.rpartition(":")
    if host in ("", "0.0.0.0", "[::]"):  # noqa: S104  (compared with, not bound to)
        host = "127.0.0.1"
    return f"http://{host}:{port}"


def _read_config(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ProfileProblem(f"cannot read {path}: {error.strerror}") from error
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return [(name.strip(), value.strip().strip("\"'")) for name, _, value in pairs]

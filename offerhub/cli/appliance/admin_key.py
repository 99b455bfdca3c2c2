"""The first admin API key of a deployment, made once and kept in a file of its owner."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from offerhub.settings import Settings

FILE_NAME: Final = "admin.key"


def ensure_admin_key(
    settings: "Settings",
    say: Callable[[str], None],
    *,
    create: "Callable[[Settings], str] | None" = None,
) -> Path:
    """Path of `admin.key`; made, with a new admin key in it, when it is not there.

    The file is claimed before the key is created, so that two starts make one key, and it is
    taken back when creation fails. create: settings -> the plaintext key.
    """
    target = settings.home / FILE_NAME
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return target
    say(f"making the first admin key ({FILE_NAME})")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write((create or _create)(settings) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink()
        raise
    return target


def _create(settings: "Settings") -> str:
    from offerhub.cli.keys import bootstrap_admin_key

    key: str = bootstrap_admin_key(settings)
    return key

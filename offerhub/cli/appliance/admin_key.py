"""The first admin API key of a deployment, made once and kept in a file of its owner.

Called by one `up` at a time. The file appears whole: a start that is killed in between leaves a
key that nobody ever saw, and the next start makes another.
"""

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

    create: settings -> the plaintext key. The key is committed before the file is written.
    """
    target = settings.home / FILE_NAME
    if target.exists():
        return target
    say(f"making the first admin key ({FILE_NAME})")
    key = (create or _create)(settings)
    draft = settings.home / f"{FILE_NAME}.tmp"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _create(settings: "Settings") -> str:
    from offerhub.cli.keys import bootstrap_admin_key

    return bootstrap_admin_key(settings)

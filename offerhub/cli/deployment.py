"""Which deployment a command is about: OFFERHUB_HOME, or the folder it is called in."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from offerhub.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from offerhub.settings import Settings


def find_home() -> Path | None:
    """The deployment's folder, absolute; None when settings can only come from the environment."""
    named = os.environ.get("OFFERHUB_HOME", "").strip()
    if named:
        return Path(os.path.abspath(named))
    here = Path.cwd()
    return here if (here / "config.env").is_file() else None


def require_home() -> Path:
    """The deployment's folder. Raises: Failure when there is none."""
    home = find_home()
    if home is None or not home.is_dir():
        raise Failure(
            "this is not a deployment folder. Run its own bin/offerhub, set OFFERHUB_HOME,"
            " or make one with create-offerhub.",
            code=Exit.USAGE,
        )
    return home


def read_settings() -> "Settings":
    """The checked settings of this deployment.

    It also exports OFFERHUB_HOME, so that libraries which start processes of ours agree on it, and
    sends libraries' warnings to stderr until a process sets its own logs up.
    Raises: InvalidSettings.
    """
    from offerhub import logs
    from offerhub.settings import load_process

    logs.configure(level="warning", format_="console", process="cli")
    home = find_home()
    if home is not None:
        os.environ["OFFERHUB_HOME"] = str(home)
    return load_process(os.environ)

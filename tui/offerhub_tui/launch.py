"""How the console is started, by the command line or by anything else that has a profile."""

from collections.abc import Mapping
from pathlib import Path

from offerhub_tui.app import OperatorApp
from offerhub_tui.profiles import ProfileProblem, find_profile
from offerhub_tui.themes import THEMES

THEME_NAMES = tuple(theme.name for theme in THEMES)


def run(
    *,
    url: str | None,
    key_file: Path | None,
    environ: Mapping[str, str],
    write: bool,
    theme: str,
) -> str | None:
    """Run the console until the operator leaves it.

    Returns why it could not start, in words for the operator; None after a normal end.
    """
    try:
        profile = find_profile(url=url, key_file=key_file, environ=environ)
    except ProfileProblem as problem:
        return str(problem)
    OperatorApp(profile, write=write, theme=theme).run()
    return None

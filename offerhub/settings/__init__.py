"""Typed settings of a deployment; only `bootstrap` and `cli` read them.

`load` takes an environment, `load_home` a deployment folder, `load_process` whichever there is.
Each setting has a unit, a default and a sentence in `fields`; rules that look at several of them
are in `rules`.
"""

from offerhub.settings.fields import Environment, Settings
from offerhub.settings.problems import InvalidSettings, Problem
from offerhub.settings.sources import load, load_home, load_process, origins, read_home

__all__ = [
    "Environment",
    "InvalidSettings",
    "Problem",
    "Settings",
    "load",
    "load_home",
    "load_process",
    "origins",
    "read_home",
]

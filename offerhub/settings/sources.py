"""Where settings come from: the environment, `…_FILE` twins, and a deployment's two files.

The real environment wins over secrets.env, which wins over config.env. A variable that looks like
ours and is not known is refused by name, so that a typing error is never silently a default.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values
from pydantic import ValidationError

from offerhub.settings import defaults, formats, paths, rules
from offerhub.settings.fields import Settings, secret_variables, variables
from offerhub.settings.problems import InvalidSettings, Problem

CONFIG_FILE: Final = "config.env"
SECRETS_FILE: Final = "secrets.env"
FILE_TWINS: Final = frozenset({"DATABASE_URL", "REDIS_URL"})
_OURS: Final = ("OFFERHUB_", "AIRTM_", "TRUSTLESS_WORK_", "STELLAR_")
_OTHERS: Final = ("OFFERHUB_TEST_",)  # read by the test suite
# Read by the SDK, the TUI and the set-up script, not by the server.
_CLIENT: Final = frozenset(
    {"OFFERHUB_URL", "OFFERHUB_API_KEY", "OFFERHUB_PROFILE", "OFFERHUB_VENV"}
)
_MAX_SECRET_FILE_BYTES: Final = 16_384


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from variables alone. Empty text counts as not set.

    Raises: InvalidSettings, naming every variable that is unknown, missing, wrong or unsafe.
    """
    problems = _unknown(environ)
    given = {name: text.strip() for name, text in environ.items() if _is_ours(name)}
    values = {name: text for name, text in given.items() if text and name in _names()}
    values |= _from_files(given, values, problems)
    for name, text in values.items():
        if formats.is_placeholder(text) and name not in {"OFFERHUB_HOME", *FILE_TWINS}:
            problems.append(Problem(name, "still holds a placeholder; put the real value in."))
    placeholders = {problem.name for problem in problems}
    values = defaults.for_environment(values) | values
    _embedded(values, problems)
    try:
        settings = Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        found = [problem for problem in _problems(error) if problem.name not in placeholders]
        raise InvalidSettings([*problems, *found]) from None
    problems += [found for found in rules.check(settings) if found.name not in placeholders]
    if problems:
        raise InvalidSettings(problems)
    return settings


def load_home(home: Path, environ: Mapping[str, str]) -> Settings:
    """Settings of the deployment in `home`: its files, then `environ` on top.

    Raises: InvalidSettings; also when secrets.env is readable by others than its owner.
    """
    return load(read_home(home, environ))


def load_process(environ: Mapping[str, str]) -> Settings:
    """Settings of a process: of the deployment that OFFERHUB_HOME names, else variables alone.

    Raises: InvalidSettings.
    """
    home = environ.get("OFFERHUB_HOME", "").strip()
    return load_home(Path(home), environ) if home else load(environ)


def read_home(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of the deployment in `home`, unchecked except for the files' own safety.

    Raises: InvalidSettings.
    """
    home = Path(os.path.abspath(home))
    config = _read(home / CONFIG_FILE)
    misplaced = sorted(secret_variables() & {name for name, text in config.items() if text})
    if misplaced:
        raise InvalidSettings(
            [Problem(name, f"belongs in {SECRETS_FILE}, not {CONFIG_FILE}.") for name in misplaced]
        )
    _refuse_open_secrets(home / SECRETS_FILE)
    merged = config | _read(home / SECRETS_FILE)
    return merged | dict(environ) | {"OFFERHUB_HOME": str(home)}


def origins(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """For each variable, what sets it: "environment", a file's name, or "default"."""
    config, secrets = _read(home / CONFIG_FILE), _read(home / SECRETS_FILE)
    found = {}
    for name in variables().values():
        twin = f"{name}_FILE"
        if environ.get(name) or environ.get(twin):
            found[name] = "environment"
        elif secrets.get(name) or secrets.get(twin):
            found[name] = SECRETS_FILE
        else:
            found[name] = CONFIG_FILE if config.get(name) or config.get(twin) else "default"
    return found


def _names() -> frozenset[str]:
    return frozenset(variables().values())


def _twins() -> frozenset[str]:
    return frozenset(f"{name}_FILE" for name in secret_variables() | FILE_TWINS)


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS) or name.removesuffix("_FILE") in FILE_TWINS


def _unknown(environ: Mapping[str, str]) -> list[Problem]:
    known = _names() | _twins() | _CLIENT
    return [
        Problem(name, "is not a setting of OfferHub; correct its name or remove it.")
        for name in sorted(environ)
        if name.startswith(_OURS) and name not in known and not name.startswith(_OTHERS)
    ]


def _from_files(
    given: Mapping[str, str], values: Mapping[str, str], problems: list[Problem]
) -> dict[str, str]:
    """What the `…_FILE` variables point to. A value given both ways is a problem."""
    found: dict[str, str] = {}
    for twin in sorted(_twins() & {name for name, text in given.items() if text}):
        name = twin.removesuffix("_FILE")
        if name in values:
            problems.append(Problem(name, f"is set twice, here and by {twin}; remove one."))
            continue
        try:
            with Path(given[twin]).open(encoding="utf-8") as file:
                text = file.read(_MAX_SECRET_FILE_BYTES).strip()
        except (OSError, UnicodeDecodeError, ValueError):
            problems.append(Problem(twin, "names a file that cannot be read."))
            continue
        if text:
            found[name] = text
        else:
            problems.append(Problem(twin, "names an empty file."))
    return found


def _embedded(values: dict[str, Any], problems: list[Problem]) -> None:
    """Fill in the database and Redis of the deployment's own folder."""
    home = values.get("OFFERHUB_HOME")
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name not in values and not home:
            problems.append(Problem(name, "is not set, and there is no OFFERHUB_HOME to use."))
    folder = Path(os.path.abspath(home or "."))
    values.setdefault("DATABASE_URL", f"sqlite:///{paths.database(folder)}")
    password = values.get("OFFERHUB_VALKEY_PASSWORD", "")
    values.setdefault("REDIS_URL", paths.valkey_url(folder, password=password))
    values["OFFERHUB_HOME"] = folder


def _problems(error: ValidationError) -> list[Problem]:
    """Pydantic's findings in our words; `msg` never holds an input, and none is asked for."""
    found = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(item["loc"][0]) if item["loc"] else "settings"
        if item["type"] == "missing":
            message = "is not set, and it has no default."
        else:
            message = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
        found.append(Problem(name, message))
    return found


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        lines = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidSettings([Problem(path.name, "cannot be read.")]) from None
    return {name: text or "" for name, text in lines.items()}


def _refuse_open_secrets(path: Path) -> None:
    if not path.exists():
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        message = f"can be read by others (mode {mode:04o}); run: chmod 600 {path}"
        raise InvalidSettings([Problem(path.name, message)])

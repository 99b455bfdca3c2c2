"""What the installer says: the checks, the plan and the end. Never a secret, only names."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from create_offerhub import credentials, paths
from create_offerhub.answers import Answers
from create_offerhub.checks import Check, State
from create_offerhub.render import Fate, Rendered
from create_offerhub.steps import Done


def checks(found: Sequence[Check]) -> str:
    """A line per check."""
    width = max(len(check.name) for check in found)
    lines = []
    for check in found:
        fix = f" ({check.fix})" if check.fix and check.state is not State.PASS else ""
        lines.append(f"  {check.state.value:<4}  {check.name:<{width}}  {check.detail}{fix}")
    return "\n".join(lines)


def plan(directory: Path, answers: Answers, files: Sequence[Rendered]) -> dict[str, Any]:
    """What a run would do."""
    secret = credentials.secret_files(answers.profile)
    ports = {"api": answers.port}
    if answers.profile == "demo":
        ports["sandbox"] = answers.sandbox_port
    return {
        "directory": str(directory),
        "answers": answers.as_dict(),
        "files": {file.name: file.fate.value for file in files}
        | {name: "same" if (directory / name).exists() else "new" for name in secret},
        "folders": list(paths.PRIVATE_FOLDERS),
        "ports": ports,
        "secret_names": list(credentials.names(answers.profile)),
        "network_calls": [],
    }


def plan_words(planned: dict[str, Any]) -> str:
    lines = [f"Would make or complete {planned['directory']}; nothing is written now."]
    lines += [f"  {fate:<8} {name}" for name, fate in sorted(planned["files"].items())]
    lines.append("  ports    " + ", ".join(f"{k} {v}" for k, v in planned["ports"].items()))
    lines.append("  secrets  " + ", ".join(planned["secret_names"]))
    lines.append("  network  no calls")
    return "\n".join(lines)


def outcome(
    directory: Path, answers: Answers, done: Done, found: Sequence[Check]
) -> dict[str, Any]:
    """What a run did."""
    return {
        "directory": str(directory),
        "profile": answers.profile,
        "public_url": answers.public_url,
        "files": {"new": done.new, "replaced": done.replaced, "kept": done.kept, "same": done.same},
        "wallets": credentials.addresses(directory),
        "warnings": [f"{c.name}: {c.detail}; {c.fix}" for c in found if c.state is State.WARN],
        "next": _next(directory, answers.profile),
    }


def outcome_words(said: dict[str, Any]) -> str:
    files = said["files"]
    changed = len(files["new"]) + len(files["replaced"])
    state = f"{changed} files written" if changed else "nothing had to be changed"
    lines = [f"{said['directory']} is ready ({said['profile']}): {state}."]
    lines += [f"  kept, it differs from the template (--overwrite replaces it): {name}"
              for name in files["kept"]]  # fmt: skip
    lines += [f"  warning: {text}" for text in said["warnings"]]
    if said["profile"] == "production":
        lines.append("Platform wallets, to be funded with XLM (and USDC for the treasury):")
        lines += [f"  {name:<9} {address}" for name, address in said["wallets"].items()]
    lines.append("Next:")
    lines += [f"  {step}" for step in said["next"]]
    return "\n".join(lines)


def as_json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2)


def fates(files: Sequence[Rendered]) -> dict[Fate, list[str]]:
    """File names by what happens to them."""
    found: dict[Fate, list[str]] = {fate: [] for fate in Fate}
    for file in files:
        found[file.fate].append(file.name)
    return found


def _next(directory: Path, profile: str) -> list[str]:
    steps = [f"cd {shlex.quote(str(directory))}"]
    if profile == "production":
        steps += [
            "fill in every REPLACE_ME in config.env and secrets.env",
            "bin/offerhub config check",
            "keep a copy of secrets.env in a safe place",
        ]
    steps.append("bin/offerhub up")
    return [*steps, "bin/offerhub demo"] if profile == "demo" else steps

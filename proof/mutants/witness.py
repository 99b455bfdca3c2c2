"""A plugin of pytest that notes, for the runner of mutants, how each test ended and whose code ran.

Not a report for people: one JSON file, at the path in the environment.
"""

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

REPORT_VARIABLE = "OFFERHUB_MUTANT_REPORT"
_PACKAGES = ("offerhub", "tests", "proof")
_ends: list[dict[str, Any]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    error, kind = "", ""
    if call.excinfo is not None:
        kind = call.excinfo.typename
        error = next(iter(str(call.excinfo.value).splitlines()), "")
    _ends.append(
        {
            "test": item.nodeid,
            "when": report.when,
            "outcome": report.outcome,
            "kind": kind,
            "error": error,
        }
    )
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    root = session.config.rootpath
    foreign = [file for file in _loaded_files() if not file.is_relative_to(root)]
    said = {
        "exit": int(exitstatus),
        "foreign": sorted(map(str, foreign)),
        "ends": _ends,
    }
    Path(os.environ[REPORT_VARIABLE]).write_text(json.dumps(said))


def _loaded_files() -> list[Path]:
    """Where this process has its code of ours from."""
    files = [
        getattr(module, "__file__", None)
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in _PACKAGES
    ]
    return [Path(file).resolve() for file in files if file]

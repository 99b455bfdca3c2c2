"""A copy of the source tree, in which code may be changed and tests run without touching the tree.

The environment's editable install points at the original. The copy comes before it on the path, and
the witness in the test process says where each module really came from.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.mutants.witness import REPORT_VARIABLE

ROOT = Path(__file__).resolve().parents[2]
TEST_TIMEOUT_S = 60
_NOT_COPIED = {".venv", ".boot", ".git", "__pycache__", "demo-market"}
# What would have the copy's tests join a test run that is under way, or run longer.
_NOT_INHERITED = {
    "OFFERHUB_TEST_SESSION_DIR", "OFFERHUB_TEST_SESSION_PID", "OFFERHUB_TEST_FULL",
    "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER",
}  # fmt: skip
# A quarter of pytest's start, many times over, for what no mutant's test needs.
_UNUSED_PLUGINS = ("-p", "no:textual-snapshot", "-p", "no:syrupy", "-p", "no:anyio")


@dataclass(frozen=True)
class Run:
    """How tests of a copy ended. `trouble`: why that says nothing, if it does not.

    ends: one dictionary per test and phase, as the witness notes them. output: of pytest.
    """

    ends: Sequence[Mapping[str, Any]]
    trouble: str
    output: str


class Copy:
    """One copy, used by one thread at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._running: subprocess.Popen[str] | None = None
        self._ended = False

    def end(self) -> None:
        """Kill the tests that run in it; none are begun any more. For another thread to call."""
        self._ended = True
        if (running := self._running) is not None:
            _kill(running)

    @contextmanager
    def with_changes(self, texts: Mapping[str, str]) -> Iterator[None]:
        """These texts in place of the files', for as long as the block lasts."""
        before = {file: (self.root / file).read_text() for file in texts}
        try:
            for file, text in texts.items():
                self._write(file, text)
            yield
        finally:
            for file, text in before.items():
                self._write(file, text)

    def _write(self, file: str, text: str) -> None:
        path = self.root / file
        path.write_text(text)
        # Bytecode is believed by the second and the size, which two texts may share.
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
            stale.unlink()

    def run(self, tests: Sequence[str], *, stop_at_first: bool, timeout_s: float) -> Run:
        """Run tests of the copy, in a process group of their own that ends with them."""
        if self._ended:
            return Run((), "it was told to end", "")
        report = self.root / ".mutant-report.json"
        report.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider",
            "-p", "proof.mutants.witness", "--timeout", str(TEST_TIMEOUT_S), *_UNUSED_PLUGINS,
            *(["-x"] if stop_at_first else []), *tests,
        ]  # fmt: skip
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment(report),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._running = process
        if self._ended:  # in between
            _kill(process)
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            return Run((), f"the tests took longer than {timeout_s:.0f} s", output)
        finally:
            self._running = None
        if not report.exists():
            return Run((), f"pytest ended with {process.returncode} and no report", output)
        said = json.loads(report.read_text())
        trouble = ""
        if said["foreign"]:
            trouble = f"code from outside the copy ran: {said['foreign'][0]}"
        elif not said["ends"]:
            trouble = f"no test ran (pytest ended with {said['exit']})"
        return Run(said["ends"], trouble, output)

    def _environment(self, report: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        folders = (self.root, self.root / "tui", self.root / "installer")
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PYTHONHASHSEED": "0",
            REPORT_VARIABLE: str(report),
        }


def _kill(process: "subprocess.Popen[str]") -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def copy_of_the_tree() -> Iterator[Copy]:
    """A temporary copy of the tree as it is now, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="oh-mutant-") as folder:
        root = Path(folder).resolve()
        for file in _files():
            target = root / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
        yield Copy(root)


def _files() -> list[str]:
    """Files of the tree, relative to it: all that Git does not ignore, a new module among them."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [
            str(path.relative_to(ROOT))
            for path in ROOT.rglob("*")
            if not _NOT_COPIED & set(path.relative_to(ROOT).parts)
        ]
    return [name for name in names if (ROOT / name).is_file()]

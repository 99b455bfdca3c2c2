"""Deployments for tests of the command line, always brought down at the end."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from create_offerhub import cli as installer

from offerhub.cli.appliance import holding, programs, supervisord
from offerhub.settings import Settings, load_home, paths
from tests.fixtures.ports import free_port


@dataclass(frozen=True)
class Deployment:
    """A deployment folder made by the installer, and its own command line."""

    home: Path

    def run(self, *arguments: str, timeout_s: float = 280) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.home / "bin/offerhub"), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, cwd="/",
        )  # fmt: skip

    @property
    def settings(self) -> Settings:
        return load_home(self.home, {})

    def pid(self, name: str) -> int | None:
        return holding.holder(paths.run(self.home), name)

    def end(self) -> None:
        """Stop whatever runs, without waiting for its work."""
        running = supervisord.connect(self.home)
        if running is not None:
            running.shutdown()
            deadline = time.monotonic() + 30
            while supervisord.connect(self.home) is not None and time.monotonic() < deadline:
                time.sleep(0.1)
        if paths.run(self.home).is_dir():
            holding.stop(paths.run(self.home), programs.MANAGER, grace_s=30)
            for program in reversed(programs.ALL):
                holding.stop(paths.run(self.home), program.name, grace_s=5)
        paths.remove_sockets(self.home)


@pytest.fixture
def deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[Path], Deployment]]:
    """`deploy(folder) -> Deployment`: a demo on free ports, not started."""
    monkeypatch.delenv("OFFERHUB_HOME", raising=False)
    made: list[Deployment] = []

    def make(folder: Path) -> Deployment:
        ports = ("--port", str(free_port()), "--sandbox-port", str(free_port()))
        with pytest.raises(SystemExit) as ended:
            installer.main([str(folder), "--profile", "demo", "--yes", *ports])
        assert ended.value.code == 0, capsys.readouterr().err
        made.append(Deployment(folder))
        return made[-1]

    yield make
    for deployment in made:
        deployment.end()


@pytest.fixture
def deployment(deploy: Callable[[Path], Deployment]) -> Iterator[Deployment]:
    """A demo in a folder with a space in its (short) name, not started."""
    with tempfile.TemporaryDirectory(prefix="oh-") as folder:
        made = deploy(Path(folder) / "my market")
        yield made
        made.end()

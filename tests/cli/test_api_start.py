"""How the API's process begins: loaded first, then in the place of an earlier one."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from offerhub.cli.appliance import holding, programs
from offerhub.settings import paths
from tests.cli.conftest import Deployment

CHILD = [sys.executable, "-P", "-m", "offerhub.cli.appliance.child", programs.API]


def _environment(home: Path) -> dict[str, str]:
    return {"OFFERHUB_HOME": str(home), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def run(deployment: Deployment) -> Path:
    return paths.make_private(paths.run(deployment.home))


def test_settings_that_cannot_be_used_are_said_without_a_traceback(
    deployment: Deployment, run: Path
) -> None:
    with (deployment.home / "config.env").open("a") as file:
        file.write("\nOFFERHUB_WEB_WORKERS=many\n")
    done = subprocess.run(
        CHILD, cwd=deployment.home, env=_environment(deployment.home), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "OFFERHUB_WEB_WORKERS" in done.stderr
    assert "Traceback" not in done.stderr
    assert holding.holder(run, programs.API) is None


def test_one_whose_manager_goes_while_it_loads_does_not_take_over(
    deployment: Deployment, run: Path
) -> None:
    """Nobody could stop it: it has no manager, and does not hold its name yet."""
    command = " ".join(f"'{word}'" for word in CHILD)
    manager = subprocess.Popen(
        ["/bin/sh", "-c", f"{command} >loading.log 2>&1 & echo $!; read told"],
        cwd=deployment.home, env=_environment(deployment.home),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert manager.stdout is not None
    loading = Path("/proc") / manager.stdout.readline().strip()
    end = time.monotonic() + 60
    while "gevent" not in (loading / "maps").read_text():  # the first that is loaded
        assert time.monotonic() < end
        time.sleep(0.01)
    manager.communicate("go\n", timeout=10)
    while loading.exists() and (loading / "cmdline").read_bytes():
        assert holding.holder(run, programs.API) is None
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "manager has gone" in (deployment.home / "loading.log").read_text()
